#!/usr/bin/env python3
"""Nayose beside Splink and recordlinkage on labelled sets, in one run on one machine.

    benches/peers/run.sh DATA_FOLDER [SET ...]

The set "historical" is `data/historical_figures_with_errors_50k.parquet` of github.com/moj-analytical-services/splink_datasets
as CSV, `historical_50k.csv`; "census" is what census.py writes. A set is one of those below, or a fresh draw of invented people: KIND:RECORDS:SEED[:NOISE], where KIND is japanese or
western (`japanese:1000000:7`, `western:20000:8:2.5`); draws are kept in DRAWS (default: target/draws).
The truth column is read here to measure, and by no matcher.
"""
import collections, csv, gzip, itertools, json, os, resource, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = sys.argv[1]
NAYOSE = os.environ.get("NAYOSE", os.path.join(HERE, "../../target/release/nayose"))
SETS = {  # name: files, mapping, model, identifier, further options
    "japanese": (["jp20k.csv.gz"], "jp20k", "japanese", "rec_id", []),
    "japanese, insurance": (["jp20k.csv.gz"], "jp20k_insurance", "japanese", "rec_id", []),
    "japanese, shipped weights": (["jp20k.csv.gz"], "jp20k", "japanese", "rec_id", ["--no-train"]),
    "japanese x2.5": (["jp20k_n25.csv.gz"], "jp20k", "japanese", "rec_id", []),
    "japanese x2.5, insurance": (["jp20k_n25.csv.gz"], "jp20k_insurance", "japanese", "rec_id", []),
    "western": (["us20k.csv.gz"], "us20k", "western", "rec_id", []),
    "western x2.5": (["us20k_n25.csv.gz"], "us20k", "western", "rec_id", []),
    "febrl_3": (["febrl_3.csv.gz"], "febrl", "western", "rec_id", []),
    "febrl_4": (["febrl_4a.csv.gz", "febrl_4b.csv.gz"], "febrl", "western", "rec_id", ["--between-files"]),
    "fake_1000": (["fake_1000.csv"], "fake_1000", "western", "unique_id", ["--train"]),
    "historical": (["historical_50k.csv"], "historical", "western", "unique_id", []),
    "census": (["census_2020.csv", "census_2030.csv"], "census", "western", "unique_id", ["--between-files"]),
}


DRAWS = os.environ.get("DRAWS", os.path.join(HERE, "../../target/draws"))


def drawn(name):
    """The draw that a set names, made unless it is there."""
    kind, records, seed, *noise = name.split(":")
    file = os.path.join(DRAWS, f"{kind}-{records}-{seed}-{noise[0] if noise else 1}.csv")
    if not os.path.exists(file):
        os.makedirs(DRAWS, exist_ok=True)
        with open(file + ".partial", "w", encoding="utf-8") as out:
            subprocess.run([sys.executable, os.path.join(HERE, "draw.py"), kind, records, seed, *(noise or ["1"])],
                           check=True, stdout=out)
        os.rename(file + ".partial", file)
    mapping = {"japanese": "jp20k", "western": "us20k"}[kind]
    SETS[name] = ([os.path.abspath(file)], mapping, kind, "rec_id", [])


def opened(name):
    path = os.path.join(DATA, name)
    return gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8")


def f1(found, right, total):
    precision, recall = right / max(found, 1), right / max(total, 1)
    return 2 * precision * recall / max(precision + recall, 1e-12)


def measure(truth, pairs, clusters):
    """F1 of pairs, F1 of clusters."""
    sizes = collections.Counter(truth.values())
    total = sum(n * (n - 1) // 2 for n in sizes.values())
    right = sum(truth[a] == truth[b] for a, b in pairs)
    members = collections.defaultdict(list)
    for record, person in clusters.items():
        members[person].append(record)
    found = both = 0
    for records in members.values():
        found += len(records) * (len(records) - 1) // 2
        both += sum(n * (n - 1) // 2 for n in collections.Counter(truth[r] for r in records).values())
    return f1(len(pairs), right, total), f1(found, both, total)


def nayose(name):
    files, mapping, model, _, more = SETS[name]
    with tempfile.TemporaryDirectory() as folder:
        pairs, clusters = os.path.join(folder, "pairs.csv"), os.path.join(folder, "clusters.csv")
        begin = time.time()
        out = subprocess.run(
            [NAYOSE, "match-files", *[os.path.join(DATA, file) for file in files], "--model", model, "--json",
             "--mapping", os.path.join(HERE, "mappings", mapping + ".toml"), "--pairs", pairs, "--clusters", clusters,
             *more], check=True, capture_output=True, text=True)
        seconds = time.time() - begin
        rows = list(csv.DictReader(open(pairs, encoding="utf-8")))
        likely = [(row["left"], row["right"]) for row in rows if float(row["probability"]) >= 0.5]
        sure = [(row["left"], row["right"]) for row in rows if row["decision"] == "match"]
        people = {row["record_id"]: row["person_id"] for row in csv.DictReader(open(clusters, encoding="utf-8"))}
        return likely, people, seconds, sure, json.loads(out.stdout)


def frames(name):
    import pandas
    files, _, _, key, _ = SETS[name]
    out = []
    for number, file in enumerate(files):
        frame = pandas.read_csv(opened(file), dtype=str)
        frame = frame.rename(columns={key: "unique_id"})
        frame["unique_id"] = frame["unique_id"].astype(str)
        out.append(frame.drop(columns=["cluster"]))
    return out


def splink(name):
    """Personal fields only for the household sets: with shared fields Splink does worse there."""
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on
    if "japanese" in name:
        compare = [cl.JaroWinklerAtThresholds(c, [0.9, 0.8]).configure(term_frequency_adjustments=True)
                   for c in ("family", "given", "family_kana", "given_kana")]
        compare += [cl.DamerauLevenshteinAtThresholds("dob", [1, 2]), cl.ExactMatch("sex")]
        rules = [("dob",), ("family", "given"), ("family_kana", "given_kana")]
        wide = rules + [("given", "postal"), ("phone",)]
    elif "western" in name:
        compare = [cl.JaroWinklerAtThresholds(c, [0.92, 0.8]).configure(term_frequency_adjustments=True)
                   for c in ("family", "given")]
        compare += [cl.DamerauLevenshteinAtThresholds("dob", [1, 2]), cl.ExactMatch("sex"),
                    cl.LevenshteinAtThresholds("national_id", [1, 2])]
        rules = [("dob",), ("family", "given")]
        wide = rules + [("national_id",), ("given", "postal"), ("phone",)]
    elif "febrl" in name:
        compare = [cl.JaroWinklerAtThresholds(c, [0.9, 0.7]) for c in ("given_name", "surname", "address_1", "suburb")]
        compare += [cl.DamerauLevenshteinAtThresholds(c, [1, 2]) for c in ("date_of_birth", "soc_sec_id", "postcode")]
        compare += [cl.ExactMatch("street_number"), cl.ExactMatch("state")]
        rules = [("soc_sec_id",), ("given_name", "surname"), ("date_of_birth",)]
        wide = rules + [("postcode", "surname"), ("address_1", "street_number"), ("suburb", "given_name")]
    elif name == "census":
        compare = [cl.JaroWinklerAtThresholds("first_name", [0.92, 0.8]).configure(term_frequency_adjustments=True),
                   cl.JaroWinklerAtThresholds("last_name", [0.92, 0.8]).configure(term_frequency_adjustments=True),
                   cl.ExactMatch("middle_initial"), cl.DamerauLevenshteinAtThresholds("date_of_birth", [1, 2]),
                   cl.ExactMatch("sex"), cl.ExactMatch("race_ethnicity")]
        rules = [("date_of_birth",), ("first_name", "last_name")]
        wide = rules + [("last_name", "street_name"), ("first_name", "street_name")]
    elif name == "historical":
        compare = [cl.JaroWinklerAtThresholds("first_name", [0.9, 0.7]).configure(term_frequency_adjustments=True),
                   cl.JaroWinklerAtThresholds("surname", [0.9, 0.7]).configure(term_frequency_adjustments=True),
                   cl.DamerauLevenshteinAtThresholds("dob", [1, 2]),
                   cl.LevenshteinAtThresholds("postcode_fake", [1, 2]),
                   cl.ExactMatch("birth_place").configure(term_frequency_adjustments=True),
                   cl.ExactMatch("occupation").configure(term_frequency_adjustments=True)]
        rules = [("first_name", "surname"), ("surname", "dob"), ("dob", "birth_place")]
        wide = rules + [("first_name", "dob"), ("postcode_fake", "first_name"), ("postcode_fake", "surname"),
                        ("dob", "occupation"), ("surname", "birth_place", "occupation")]
    else:
        compare = [cl.JaroWinklerAtThresholds("first_name", [0.9, 0.7]).configure(term_frequency_adjustments=True),
                   cl.JaroWinklerAtThresholds("surname", [0.9, 0.7]).configure(term_frequency_adjustments=True),
                   cl.DamerauLevenshteinAtThresholds("dob", [1, 2]),
                   cl.ExactMatch("city").configure(term_frequency_adjustments=True),
                   cl.JaroWinklerAtThresholds("email", [0.9, 0.7])]
        rules = [("first_name", "surname"), ("dob",)]
        wide = rules + [("email",), ("surname",), ("first_name",)]
    data = frames(name)
    begin = time.time()
    settings = SettingsCreator(link_type="link_only" if len(data) > 1 else "dedupe_only", comparisons=compare,
                               blocking_rules_to_generate_predictions=[block_on(*rule) for rule in wide])
    api = DuckDBAPI()
    try:
        linker = Linker(data if len(data) > 1 else data[0], settings, db_api=api)
    except TypeError:  # Splink 5 takes tables that are registered first.
        linker = Linker([api.register(frame) for frame in data], settings)
    linker.training.estimate_probability_two_random_records_match([block_on(*rules[0])], recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6)
    for rule in rules:
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*rule))
    found = linker.inference.predict(threshold_match_probability=0.5)
    people = linker.clustering.cluster_pairwise_predictions_at_threshold(found, 0.5).as_pandas_dataframe()
    pairs = found.as_pandas_dataframe()
    seconds = time.time() - begin
    return (list(zip(pairs["unique_id_l"], pairs["unique_id_r"])), dict(zip(people["unique_id"], people["cluster_id"])),
            seconds)


def recordlinkage(name):
    import recordlinkage as rl
    if "febrl" not in name:
        return None
    data = [frame.set_index("unique_id") for frame in frames(name)]
    begin = time.time()
    index = rl.Index()
    for rule in (["given_name"], ["surname"], ["date_of_birth"], ["soc_sec_id"]):
        index.block(rule)
    pairs = index.index(*data)
    compare = rl.Compare()
    for column in ("given_name", "surname", "address_1", "suburb"):
        compare.string(column, column, method="jarowinkler", threshold=0.85)
    for column in ("date_of_birth", "soc_sec_id", "postcode", "state", "street_number"):
        compare.exact(column, column)
    matched = list(rl.ECMClassifier(binarize=0.8).fit_predict(compare.compute(pairs, *data)))
    seconds = time.time() - begin
    parent = {}

    def root(x):
        while parent.setdefault(x, x) != x:
            x = parent[x]
        return x
    for record in itertools.chain(*(frame.index for frame in data)):
        root(record)
    for a, b in matched:
        parent[root(a)] = root(b)
    return matched, {record: root(record) for record in list(parent)}, seconds


def main():
    print("| set | tool | F1 of pairs, p >= 0.5 | F1 of clusters | automatic precision, recall | possible per 1,000 | s | MB |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for name in sys.argv[2:] or list(SETS):
        if ":" in name:
            drawn(name)
        files, _, _, key, _ = SETS[name]
        absent = [file for file in files if not os.path.exists(os.path.join(DATA, file))]
        if absent:
            print(f"| {name} | not measured: no {', '.join(absent)} | | | | | | |", flush=True)
            continue
        truth = {row[key]: row["cluster"] for file in files for row in csv.DictReader(opened(file))}
        pairs, people, seconds, sure, report = nayose(name)
        total = sum(n * (n - 1) // 2 for n in collections.Counter(truth.values()).values())
        right = sum(truth[a] == truth[b] for a, b in sure)
        a, b = measure(truth, pairs, people)
        print(f"| {name} | nayose | {a:.4f} | {b:.4f} | {right / max(len(sure), 1):.5f}, {right / total:.4f} | "
              f"{1000 * report['possible_matches'] / len(truth):.1f} | {seconds:.1f} | {report['peak_bytes'] / 1e6:.0f} |", flush=True)
        if "insurance" in name or "shipped" in name:
            continue
        for tool in (splink, recordlinkage):
            try:
                done = tool(name)
            except Exception as failure:  # A peer that fails is said, not hidden.
                print(f"| {name} | {tool.__name__} | failed: {type(failure).__name__} {str(failure)[:80]!r} | | | | | |", flush=True)
                continue
            if done:
                a, b = measure(truth, *done[:2])
                # The most so far, this script's own share in it: for the first set it is the peer's.
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
                print(f"| {name} | {tool.__name__} | {a:.4f} | {b:.4f} | | | {done[2]:.1f} | {peak:.0f} |", flush=True)


main()
