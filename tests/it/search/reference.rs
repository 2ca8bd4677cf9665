//! What a search must find, by a look at every person. It shares no code with the product, and is short enough to be
//! checked by reading: a test counts its lines.

use super::people::{Asked, Form, Person, Text, Word};

/// How well `person` fits, from 0 to 100; none who does not.
pub fn degree(asked: &Asked, person: &Person) -> Option<u32> {
    let own = |id: &(usize, String)| person.ids.contains(id);
    let in_domains = |wanted: &[usize]| person.ids.iter().any(|(domain, _)| wanted.contains(domain));
    if !asked.ids.iter().all(own) || !(asked.domains.is_empty() || in_domains(&asked.domains)) {
        return None;
    }
    if asked.source.is_some_and(|source| !in_domains(&[source])) {
        return None;
    }
    let mut criteria = Vec::new();
    if !asked.names.is_empty() {
        let of_name = |name: &super::people::AskedName| {
            let parts = [(&name.family, person.family), (&name.given, person.given)];
            let given = parts.into_iter().filter_map(|(text, word)| Some((text.as_ref()?, word)));
            mean(&given.map(|(text, word)| part(text, word, name.similar)).collect::<Vec<_>>())
        };
        criteria.push(asked.names.iter().filter_map(of_name).max());
    }
    criteria.extend(asked.sex.map(|sex| (sex == person.sex).then_some(100)));
    criteria.extend(asked.birth.map(|(from, to)| {
        let (first, last) = person.period();
        (first <= to && last >= from).then_some(if first == last { 100 } else { 80 })
    }));
    if !asked.addresses.is_empty() {
        let fits = asked.addresses.iter().any(|place| {
            place.postal.as_ref().is_none_or(|postal| *postal == person.place.postal)
                && place.city.as_ref().is_none_or(|city| *city == person.place.city)
                && place.town.as_ref().is_none_or(|town| *town == person.place.town)
        });
        criteria.push(fits.then_some(100));
    }
    if !asked.phones.is_empty() {
        criteria.push(person.phone.as_ref().is_some_and(|phone| asked.phones.contains(phone)).then_some(100));
    }
    if !asked.mothers.is_empty() {
        let of_mother = |text: &Text| person.mother.and_then(|word| part(text, word, false));
        criteria.push(asked.mothers.iter().filter_map(of_mother).max());
    }
    let found = if criteria.is_empty() { Some(100) } else { mean(&criteria) };
    found.filter(|found| asked.minimum.is_none_or(|least| *found >= u32::from(least)))
}

/// All must hold; the mean is cut to a whole number.
fn mean(degrees: &[Option<u32>]) -> Option<u32> {
    let all: Vec<u32> = degrees.iter().copied().collect::<Option<_>>()?;
    Some(all.iter().sum::<u32>() / u32::try_from(all.len()).ok().filter(|n| *n > 0)?)
}

fn part(text: &Text, word: &Word, similar: bool) -> Option<u32> {
    text.forms
        .iter()
        .filter_map(|(form, sought)| {
            let written = match form {
                Form::Kanji => word.kanji[0],
                Form::Kana => word.kana,
                Form::Sound => word.sound,
            };
            if sought.contains('*') {
                return glob(sought, written).then_some(90);
            }
            let close = *form == Form::Sound
                && sought.len() > 3
                && written.get(..3) == sought.get(..3)
                && near(sought, written);
            match () {
                () if sought == written => Some(100),
                () if close => Some(80),
                () if similar && written.starts_with(sought.as_str()) => Some(75),
                () => None,
            }
        })
        .max()
}

/// `*` is any letters or none.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|tail| {
            tail.char_indices().map(|(at, _)| at).chain([tail.len()]).any(|at| glob(rest, &tail[at..]))
        }),
    }
}

/// At most one letter is another, missing, added or swapped with its neighbour.
fn near(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[same..], &b[same..]);
    let swapped = a.len() > 1 && b.len() > 1 && a[0] == b[1] && a[1] == b[0] && a[2..] == b[2..];
    let rest = |x: &[u8]| x.get(1..).unwrap_or_default().to_vec();
    swapped || rest(a) == rest(b) || rest(a) == b || a == rest(b)
}
