#!/usr/bin/env python3
"""A draw of invented people with the truth, for measuring: households at twelve hospitals, clerks' slips, moves,
marriages, twins, namesakes, newborns. The same seed gives the same draw.

    benches/peers/draw.py japanese|western RECORDS SEED NOISE > people.csv

NOISE multiplies the rate of every slip and of every missing value. The demo's region has few towns and words, so that
its people cannot be a million: here they are made of parts. No name, place or number is of anyone.
"""
import csv, itertools, os, random, sys

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "../../src")
HEADER = ("rec_id,cluster,source,family,given,family_kana,given_kana,middle,suffix,sex,dob,postal,pref,city,town,banchi,"
          "bldg,phone,phone2,insurer,ins_no,ins_branch,national_id").split(",")
HOSPITALS, SHARES = 12, [38, 34, 16, 7, 3, 1]


def lines(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file if not line.startswith("#")]


class Drawn:
    """Items with weights, drawn fast."""

    def __init__(self, dice, items, weights):
        self.dice, self.items, self.sums = dice, items, list(itertools.accumulate(weights))

    def one(self):
        return self.dice.choices(self.items, cum_weights=self.sums)[0]


def zipf(count, offset):
    return [1.0 / (rank + offset) for rank in range(count)]


class Japanese:
    HEADS = "山ヤマ 川カワ 田タ 森モリ 石イシ 松マツ 竹タケ 杉スギ 藤フジ 北キタ 南ミナミ 西ニシ 東ヒガシ 上ウエ 下シタ 中ナカ 大オオ 小コ " \
            "高タカ 長ナガ 古フル 新ニイ 青アオ 黒クロ 白シラ 赤アカ 金カネ 清キヨ 深フカ 浅アサ 広ヒロ 平ヒラ 丸マル 村ムラ 林ハヤシ " \
            "岩イワ 谷タニ 坂サカ 橋ハシ 桜サクラ 梅ウメ 桃モモ 菊キク 萩ハギ 稲イネ 麦ムギ 月ツキ 星ホシ 雲クモ 雪ユキ 鶴ツル 亀カメ 鷹タカ 熊クマ".split()
    TAILS = "田タ 川カワ 山ヤマ 本モト 村ムラ 野ノ 原ハラ 沢サワ 崎サキ 島シマ 木キ 林バヤシ 井イ 口グチ 上カミ 内ウチ 谷タニ 橋ハシ 岡オカ 部ベ " \
            "浜ハマ 浦ウラ 瀬セ 坂サカ 塚ツカ 宮ミヤ 森モリ 池イケ 沼ヌマ 藤フジ 根ネ 尾オ 越コシ 条ジョウ 倉クラ 戸ト 見ミ 代シロ 平ヒラ 松マツ".split()
    SOUNDS = {"ア": "亜安阿", "アキ": "明秋昭晶彰", "アヤ": "綾彩文絢", "イ": "伊衣依", "エ": "恵江絵枝衣", "オ": "央緒", "カ": "香加佳花夏歌",
              "カズ": "和一数", "キ": "希貴紀樹季喜", "ク": "久玖", "ケイ": "恵慶啓圭", "コ": "子湖", "コウ": "孝浩弘幸康", "サ": "沙佐紗早",
              "シ": "志史詩", "シン": "真慎信伸", "スケ": "介助輔", "タ": "太多", "タカ": "孝隆貴崇", "チ": "千知智", "ツ": "津都", "ト": "斗人登",
              "ナ": "奈那菜", "ナオ": "直尚", "ノリ": "典則紀徳", "ハル": "春晴陽", "ヒデ": "秀英", "ヒト": "人仁", "ヒロ": "博弘宏裕", "マ": "真麻",
              "マサ": "正雅昌政", "ミ": "美実未", "ミツ": "光充満", "ヤ": "也矢哉", "ユ": "由優友", "ユキ": "幸雪之", "ヨ": "代世", "ヨシ": "義良芳吉",
              "リ": "里理莉", "ロウ": "郎朗"}
    MALE_ENDS = ["ト", "スケ", "タ", "キ", "ヒロ", "ロウ", "アキ", "ユキ", "ノリ", "シ", "ヒト", "ヤ", "ヒデ", "カズ", "マサ", "ナオ"]
    FEMALE_ENDS = ["コ", "ミ", "エ", "カ", "ナ", "リ", "ヨ", "サ", "キ", "ノリ", "ユ", "マ", "チ", "ホ"]
    SOUNDS["ホ"] = "保穂帆"
    PREFECTURES = ["星見崎県", "月影県", "雲居県", "潮路県", "若草県"]
    ALIKE = dict(zip("カキクケコサシスセソタチツテトハヒフヘホガギグゲゴザジズゼゾダヂヅデドバビブベボ",
                     "ガギグゲゴザジズゼゾダヂヅデドバビブベボカキクケコサシスセソタチツテトハヒフヘホ"))
    SMALL = str.maketrans("ッャュョ", "ツヤユヨ")
    WIDE = str.maketrans("0123456789-", "０１２３４５６７８９ー")

    def __init__(self, dice, records):
        self.dice = dice
        shipped = [tuple(line.split("\t")[:2]) for line in lines("demo/data/surnames.txt") if line]
        made = [(head[0] + tail[0], head[1:] + tail[1:]) for head in self.HEADS for tail in self.TAILS if head[0] != tail[0]]
        dice.shuffle(made)
        names = list(dict.fromkeys(shipped + made[:1400]))
        self.surnames = Drawn(dice, names, zipf(len(names), 12))
        starts = [sound for sound in self.SOUNDS if sound not in ("コ", "ロウ", "スケ")]
        self.readings = {}
        for sex, ends in (("M", self.MALE_ENDS), ("F", self.FEMALE_ENDS)):
            all_of = [(a, b) for a in starts for b in ends] + [(a, b, c) for a in starts for b in starts[::5] for c in ends[::3]]
            dice.shuffle(all_of)
            all_of = [parts for parts in all_of if len(set(parts)) == len(parts)]
            self.readings[sex] = Drawn(dice, all_of, zipf(len(all_of), 20))
        self.variants = {}
        for line in lines("matching/normalize/kanji_variants.txt"):
            head, _, others = line.partition(" ")
            for other in others.strip():
                self.variants.setdefault(head, other)
                self.variants[other] = head
        self.towns = []
        cities = []
        for number in range(min(900, 60 + records // 1000)):
            cities.append((dice.choice(self.PREFECTURES) if number else self.PREFECTURES[0],
                           dice.choice(self.HEADS)[0] + dice.choice(self.HEADS)[0] + dice.choice(self.TAILS)[0] + "市"))
        for number in range(min(60_000, 3_000 + records // 20)):
            town = dice.choice(self.HEADS)[0] + dice.choice(self.TAILS)[0] + dice.choice(["町", "", "台", "本町", "ケ丘"])
            self.towns.append((f"{dice.randrange(10**7):07d}", *dice.choice(cities), town))

    def surname(self):
        return self.surnames.one()

    def given(self, sex):
        parts = self.readings[sex].one()
        return "".join(self.dice.choice(self.SOUNDS[part]) for part in parts), "".join(parts)

    def home(self):
        numbers = [self.dice.randint(1, 8), self.dice.randint(1, 30)]
        if self.dice.random() < 0.6:
            numbers.append(self.dice.randint(1, 25))
        building = f"{self.dice.choice(['コーポ', 'ハイツ', 'メゾン', 'パーク'])}{self.dice.choice(['桜', '緑', '中央'])}{self.dice.randint(101, 1300)}"
        return self.dice.choice(self.towns), numbers, building if self.dice.random() < 0.4 else ""

    def phone(self, mobile):
        lead = self.dice.choice(["090", "080", "070"]) if mobile else "06"
        return f"{lead}{self.dice.randrange(10**8):08d}"

    def block(self, numbers, chance):
        plain = "-".join(map(str, numbers))
        style = self.dice.random() / chance
        if style > 1 or len(numbers) < 3:
            return plain.translate(self.WIDE) if style < 0.4 else plain
        a, b, c = numbers
        return [f"{a}丁目{b}番{c}号", f"{a}丁目{b}-{c}", f"{a}丁目{b}番地{c}", plain.translate(self.WIDE)][int(style * 4)]

    def slip(self, text):
        if len(text) < 2:
            return text
        at, kind = self.dice.randrange(len(text)), self.dice.randrange(5)
        if kind == 0:
            return text[:at] + text[at + 1:]
        if kind == 1 and at:
            return text[:at - 1] + text[at] + text[at - 1] + text[at + 1:]
        if kind == 2:
            return text[:at] + text[at] + text[at:]
        return text[:at] + self.ALIKE.get(text[at], text[at]) + text[at + 1:]

    def write_names(self, person, row, has):
        family, given = person["family"], person["given"]
        if person["before"] and has(0.06, False):
            family = person["before"]
        kanji, kana = [family[0], given[0]], [family[1], given[1]]
        if person["age"] == 0 and has(0.4, False):
            kanji[1], kana[1] = "ベビー", "ベビー"
        for at in (0, 1):
            if has(0.05):
                kanji[at] = "".join(self.variants.get(c, c) for c in kanji[at])
            if has(0.004):
                kanji[at] = "●" + kanji[at][1:]
            if has(0.012):
                kana[at] = self.slip(kana[at])
            if has(0.03):
                kana[at] = kana[at].translate(self.SMALL)
            if has(0.006) and at == 1:
                kanji[1] = "".join(self.dice.choice(next((all_of for all_of in self.SOUNDS.values() if c in all_of), c))
                                   for c in kanji[1])
        if has(0.003):
            kanji.reverse(), kana.reverse()
        if has(0.028):
            kanji = ["", ""]
        elif has(0.03):
            kana = ["", ""]
        row["family"], row["given"] = kanji
        row["family_kana"], row["given_kana"] = kana


class Western:
    PARTS = "AL AR BAR BEL BER BRAN CAL CAR CHAL COL COR DAL DEN DOR EL FAL FER GAL GOR HAL HAR HOL KEL KIR LAN LAR LIN LOR MAC MAL MAR " \
            "MER MOR NEL NOR OL PAL PEN PER RAN REN ROS SAL SHEL SOR STAN TAL TEN TOR VAL VAN VER WAL WEN WIL YOR ZAL".split()
    ENDS = "BERG BY DALE DEN DER DO ER EZ FIELD FORD GER HAM INGS KIN LAND LER LEY LO MAN MER MONT NER NEY NI ON ROTH SEN SON STEIN TON WELL " \
           "WICK WOOD WORTH".split()
    COMMON = "SMITH JOHNSON WILLIAMS BROWN JONES MILLER DAVIS WILSON ANDERSON TAYLOR MOORE MARTIN LEE THOMPSON WHITE HARRIS CLARK LEWIS " \
             "ROBINSON WALKER YOUNG ALLEN KING WRIGHT SCOTT HILL GREEN ADAMS BAKER HALL CAMPBELL MITCHELL CARTER ROBERTS".split()
    STATES = ["TX", "NY", "WA", "OH", "CA", "FL", "IL", "IN"]
    LETTERS = "ABCDEFGHIJKLMNOPRSTUVWY"

    def __init__(self, dice, records):
        self.dice = dice
        made = [a + b for a in self.PARTS for b in self.ENDS] + [a + b + c for a in self.PARTS[::3]
                                                                 for b in ("E", "I", "O") for c in self.ENDS[::2]]
        dice.shuffle(made)
        names = self.COMMON + made
        self.surnames = Drawn(dice, names, zipf(len(names), 15))
        self.forms = {}
        heads = []
        for line in lines("matching/normalize/nicknames.txt"):
            forms = [form.upper() for form in line.split()]
            if forms and forms[0] not in self.forms:
                self.forms[forms[0]] = forms[1:]
                heads.append(forms[0])
        made = [a + b for a in self.PARTS for b in ("A", "IA", "INE", "ETTE", "ON", "US", "IS", "IEL", "EN", "ARD")]
        dice.shuffle(made)
        self.givens = {}
        for at, sex in enumerate("MF"):
            own = heads[at::2] + made[at::2]
            self.givens[sex] = Drawn(dice, own, zipf(len(own), 8))
        self.towns = []
        for number in range(min(60_000, 1_500 + records // 25)):
            city = dice.choice(self.PARTS) + dice.choice(self.ENDS) + dice.choice([" CITY", "PORT", "VILLE", "TON"])
            for _ in range(1 + number % 2):
                street = dice.choice(names) + dice.choice([" ST", " AVE", " RD", " LN", " DR", " BLVD", " CT"])
                self.towns.append((f"{dice.randrange(10**5):05d}", dice.choice(self.STATES), city, street))

    def surname(self):
        return self.surnames.one()

    def given(self, sex):
        return self.givens[sex].one()

    def home(self):
        building = f"APT {self.dice.randint(1, 400)}" if self.dice.random() < 0.25 else ""
        return self.dice.choice(self.towns), [self.dice.randint(1, 9999)], building

    def phone(self, _):
        return f"{self.dice.randint(2, 9)}{self.dice.randrange(10**9):09d}"

    def block(self, numbers, _):
        return str(numbers[0])

    def slip(self, text):
        if len(text) < 3:
            return text
        at, kind, letter = self.dice.randrange(len(text)), self.dice.randrange(4), self.dice.choice(self.LETTERS)
        if kind == 0:
            return text[:at] + text[at + 1:]
        if kind == 1 and at:
            return text[:at - 1] + text[at] + text[at - 1] + text[at + 1:]
        if kind == 2:
            return text[:at] + letter + text[at:]
        return text[:at] + letter + text[at + 1:]

    def write_names(self, person, row, has):
        family, given = person["family"], person["given"]
        if person["before"] and has(0.06, False):
            family = person["before"]
        if person["age"] == 0 and has(0.4, False):
            given = self.dice.choice(["BABY", "BABY BOY" if person["sex"] == "M" else "BABY GIRL"])
        elif has(0.03, False) and self.forms.get(given):
            given = self.dice.choice(self.forms[given])
        elif has(0.01):
            given = given[:1]
        if has(0.015):
            family = self.slip(family)
        if has(0.015):
            given = self.slip(given)
        if has(0.003):
            family, given = given, family
        row["family"] = "" if has(0.004) else family
        row["given"] = "" if has(0.006) else given
        row["middle"] = "" if has(0.25) else person["middle"]
        row["suffix"] = person["suffix"]


def day(dice, age):
    year = 2026 - age if age else 2025
    return f"{year}-{dice.randint(1, 12):02d}-{dice.randint(1, 28):02d}"


def date_slip(dice, date):
    year, month, of_month = date.split("-")
    kind = dice.random()
    if kind < 0.2:
        return f"{year}-{of_month}-{month}"
    digits = list(date)
    at = dice.choice([1, 2, 3, 5, 6, 8, 9])
    digits[at] = str(dice.randrange(10))
    return "".join(digits)


class Households:
    def __init__(self, dice, words, japanese):
        self.dice, self.words, self.japanese = dice, words, japanese
        self.people, self.last = 0, None

    def person(self, sex, age, family, home, line):
        self.people += 1
        dice = self.dice
        return {"truth": self.people, "sex": sex, "age": age, "family": family, "before": None,
                "given": self.words.given(sex), "dob": day(dice, age), "home": home, "line": line, "suffix": "",
                "middle": dice.choice(Western.LETTERS) if dice.random() < 0.6 else "",
                "mobile": self.words.phone(True) if age > 11 and dice.random() < 0.8 else "",
                "national": f"{dice.randrange(10**9):09d}", "insurance": None, "branch": 0}

    def one(self):
        dice, words = self.dice, self.words
        home, line, family = words.home(), words.phone(False) if dice.random() < 0.6 else "", words.surname()
        before = words.home()
        age = dice.randint(20, 90)
        head = self.person(dice.choice("MF"), age, family, home, line)
        if self.last and dice.random() < 0.005:
            head["family"], head["given"], head["sex"] = (self.last[key] for key in ("family", "given", "sex"))
            family = head["family"]
        people, kind = [head], dice.random()
        if kind > 0.3:
            spouse = self.person("F" if head["sex"] == "M" else "M", max(18, age + dice.randint(-5, 5)), family, home, line)
            people.append(spouse)
            for one in people:
                if one["sex"] == "F":
                    one["before"] = words.surname()
        if kind > 0.5:
            oldest = max(0, min(30, age - 20))
            for _ in range(dice.choice([1, 1, 2, 2, 3])):
                years = dice.randint(0, oldest)
                child = self.person(dice.choice("MF"), years, family, home, line)
                people.append(child)
                if dice.random() < 0.02:
                    twin = self.person(dice.choice("MF"), years, family, home, line)
                    twin["dob"] = child["dob"]
                    while twin["given"] == child["given"]:
                        twin["given"] = words.given(twin["sex"])
                    people.append(twin)
                if not self.japanese and child["sex"] == head["sex"] == "M" and dice.random() < 0.08:
                    child["given"], head["suffix"], child["suffix"] = head["given"], "SR", "JR"
        insurer, number = f"{dice.randrange(10**8):08d}", f"{dice.randrange(10**4)}-{dice.randrange(10**6)}"
        for branch, person in enumerate(people):
            person["insurance"], person["branch"], person["previous"] = (insurer, number), branch, before
        self.last = head
        return people


def record(words, dice, person, noise, japanese):
    def has(rate, is_slip=True):
        return dice.random() < min(0.9, rate * noise if is_slip else rate)
    row = dict.fromkeys(HEADER, "")
    words.write_names(person, row, has)
    row["sex"] = "" if has(0.01) else ("M" if person["sex"] == "F" else "F") if has(0.003) else person["sex"]
    row["dob"] = "" if has(0.003) else "1900-01-01" if has(0.002) else date_slip(dice, person["dob"]) if has(0.01) else person["dob"]
    (postal, state, city, town), numbers, building = person["previous"] if has(0.08, False) else person["home"]
    if not has(0.05):
        row["city"], row["town"] = city, town if japanese or not has(0.03) else words.slip(town)
        row["pref"] = "" if has(0.1) else state
        row["banchi"] = "" if has(0.02) else words.block(numbers, min(0.9, 0.35 * noise))
        row["bldg"] = "" if has(0.32) else building
    row["postal"] = "" if has(0.06) else postal
    if has(0.01) and row["postal"]:
        at = dice.randrange(len(row["postal"]))
        row["postal"] = row["postal"][:at] + str(dice.randrange(10)) + row["postal"][at + 1:]
    phones = [phone for phone in (person["line"], person["mobile"]) if phone]
    dice.shuffle(phones)
    if has(0.05, False):
        phones = [words.phone(True)]
    if has(0.01):
        phones = [dice.choice(["0000000000", "9999999999", "0612345678"])]
    if phones and not has(0.2):
        row["phone"] = phones[0]
        if len(phones) > 1 and not has(0.6):
            row["phone2"] = phones[1]
        if has(0.005):
            at = dice.randrange(4, 10)
            row["phone"] = row["phone"][:at] + str(dice.randrange(10)) + row["phone"][at + 1:]
    if japanese and not has(0.2):
        row["insurer"], row["ins_no"] = person["insurance"]
        row["ins_branch"] = "" if has(0.4) else f"{person['branch']:02d}"
    if not japanese and not has(0.45):
        row["national_id"] = person["national"]
    return row


def draw(kind, records, seed, noise, out):
    dice, japanese = random.Random(f"{kind} {seed} {noise}"), kind == "japanese"
    words = (Japanese if japanese else Western)(dice, records)
    households, rows = Households(dice, words, japanese), []
    while len(rows) < records:
        for person in households.one():
            sources = dice.sample(range(HOSPITALS), 1 + dice.choices(range(6), SHARES)[0])
            for source in sources:
                row = record(words, dice, person, noise, japanese)
                row["cluster"], row["source"] = person["truth"], f"H{source:02d}"
                rows.append([row[column] for column in HEADER])
    del rows[records:]
    dice.shuffle(rows)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for number, row in enumerate(rows):
        row[0] = f"R{number:08d}"
        writer.writerow(row)


if __name__ == "__main__":
    draw(sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4]), sys.stdout)
