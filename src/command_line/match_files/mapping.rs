//! Which column of a file is which field: the mapping file, and its check against a header.

use crate::matching::files::{Compare, Further};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// One column, or several for a field that has several values.
#[derive(Deserialize)]
#[serde(untagged)]
enum Columns {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExtraColumn {
    column: String,
    compare: String,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct MappingFile {
    columns: BTreeMap<String, Columns>,
    #[serde(default)]
    extra: BTreeMap<String, ExtraColumn>,
}

/// A column of a file: its name, and its place where the file has a header.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its place in each row.
    pub place: Option<usize>,
}

impl Column {
    /// The column `name` of a file with this header; of one without, every record names its columns.
    fn of(name: &str, header: &[String]) -> Self {
        Self { name: name.to_owned(), place: header.iter().position(|column| column == name) }
    }
}

macro_rules! names {
    ($($name:ident)*; $($further:ident)*) => {
        /// The names of ours that `[columns]` may map.
        pub const NAMES: &[&str] = &[$(stringify!($name),)* $(stringify!($further)),*];

        /// Where the fields of a record stand in one file.
        #[derive(Clone, Debug)]
        pub struct Layout {
            $(pub $name: Vec<Column>,)*
            /// The further fields that `[columns]` maps, in order.
            pub known: Vec<(Vec<Column>, Compare)>,
            /// Those of `[extra]`, in order.
            pub extra: Vec<(Column, Compare)>,
            /// How birth dates are written.
            pub birth_date_format: Option<String>,
        }

        impl Layout {
            /// The layout of a file with this header; empty for one whose records name their columns.
            pub fn of(mapping: &Mapping, header: &[String]) -> Self {
                let columns = |name: &str| -> Vec<Column> {
                    mapping.columns(name).iter().map(|column| Column::of(column, header)).collect()
                };
                let further = mapping.further();
                let known = further.iter().take(further.len() - mapping.extra.len());
                Self {
                    $($name: columns(stringify!($name)),)*
                    known: known.map(|field| (columns(&field.id), field.compare)).collect(),
                    extra: mapping.extra().map(|(column, compare)| (Column::of(column, header), compare)).collect(),
                    birth_date_format: mapping.birth_date_format.clone(),
                }
            }
        }
    };
}

names! {
    record_id source family given family_kana given_kana family_romaji given_romaji full_name middle suffix sex birth_date
    postal_code prefecture city town block building street address state phone email insurer insured_number
    insured_branch mothers_maiden_name birth_place birth_order;
    national_id
}

const FORMAT: &str = "birth_date_format";

/// A checked mapping.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    columns: BTreeMap<String, Vec<String>>,
    extra: Vec<(String, String, Compare)>,
    /// How birth dates are written, in the terms of strftime; else ISO, compact or an era.
    pub birth_date_format: Option<String>,
}

impl Mapping {
    /// Reads a mapping file; the complaint names it, and the line where it can.
    pub fn load(path: &Path) -> Result<Self, String> {
        let said = |what: String| format!("{}: {what}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| said(error.to_string()))?;
        Self::parse(&text).map_err(said)
    }

    /// Reads the text of a mapping file.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: MappingFile = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| text.get(..span.start).unwrap_or("").lines().count().max(1));
            line.map_or_else(|| error.message().to_owned(), |line| format!("line {line}: {}", error.message()))
        })?;
        Self::of(file)
    }

    fn of(file: MappingFile) -> Result<Self, String> {
        let mut mapping = Self::default();
        for (name, columns) in file.columns {
            let columns = match columns {
                Columns::One(one) => vec![one],
                Columns::Several(several) => several,
            };
            if name == FORMAT {
                mapping.birth_date_format = columns.into_iter().next();
            } else if !NAMES.contains(&name.as_str()) {
                return Err(format!("[columns] {name:?} is no field; the nearest is {:?}", nearest(&name)));
            } else if columns.len() > 1 && name != "phone" {
                return Err(format!("[columns] {name} takes one column; only phone takes several"));
            } else {
                mapping.columns.insert(name, columns);
            }
        }
        for (name, extra) in file.extra {
            let Some(compare) = Compare::of_name(&extra.compare) else {
                return Err(format!("[extra] {name}: compare is \"exact\", \"string\", \"token\" or \"number\""));
            };
            mapping.extra.push((name, extra.column, compare));
        }
        if !["family", "given", "full_name", "birth_date", "family_kana"]
            .iter()
            .any(|name| mapping.columns.contains_key(*name))
        {
            return Err("[columns] maps neither a name nor a birth date".to_owned());
        }
        Ok(mapping)
    }

    /// The mapping of a file whose columns have our names.
    pub fn of_header(header: &[String]) -> Result<Self, String> {
        let known = |name: &&String| NAMES.contains(&name.as_str());
        let columns = header.iter().filter(known).map(|name| (name.clone(), Columns::One(name.clone()))).collect();
        Self::of(MappingFile { columns, ..MappingFile::default() })
            .map_err(|_| "no column has a name of ours; say with --mapping which is which".to_owned())
    }

    /// The further fields that are compared, in order.
    pub fn further(&self) -> Vec<Further> {
        let has = |name: &str| self.columns.contains_key(name);
        let known = crate::matching::files::KNOWN.into_iter().filter(|(id, _)| match *id {
            "insurance" => has("insured_number"),
            other => has(other),
        });
        let extra = self.extra.iter().map(|(id, _, compare)| Further { id: id.clone(), compare: *compare });
        known.map(|(id, compare)| Further { id: id.to_owned(), compare }).chain(extra).collect()
    }

    /// The columns of the extra fields, in order.
    pub fn extra(&self) -> impl Iterator<Item = (&str, Compare)> {
        self.extra.iter().map(|(_, column, compare)| (column.as_str(), *compare))
    }

    /// The columns of a field of ours.
    pub fn columns(&self, name: &str) -> &[String] {
        self.columns.get(name).map_or(&[], Vec::as_slice)
    }

    /// The first column that is mapped and not in the header, with the field that it is mapped to.
    pub fn missing(&self, header: &[String]) -> Option<(String, String)> {
        let named = self.columns.iter().flat_map(|(name, columns)| columns.iter().map(move |column| (name, column)));
        let extra = self.extra.iter().map(|(name, column, _)| (name, column));
        named
            .chain(extra)
            .find(|(_, column)| !header.contains(column))
            .map(|(name, column)| (name.clone(), column.clone()))
    }
}

fn nearest(name: &str) -> &'static str {
    let distance = |known: &str| {
        let shared = known.chars().zip(name.chars()).take_while(|(a, b)| a == b).count();
        let letters = known.chars().filter(|c| !name.contains(*c)).count();
        (letters + name.chars().filter(|c| !known.contains(*c)).count(), usize::MAX - shared)
    };
    NAMES.iter().copied().min_by_key(|known| distance(known)).unwrap_or("family")
}
