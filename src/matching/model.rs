//! The weights of a comparison, read from a model file and checked.
//!
//! A model gives, for each level of each field, how often it occurs between two records of one person (`m`),
//! of unrelated people (`u`) and of members of one household (`h`). The third class is what keeps relatives
//! apart: what they share (name, address, telephone) is evidence of a household, not of one person.

use super::calibration::Calibration;
use super::comparison::{Field, Tradition};
use super::frequencies::Frequencies;
use super::frozen;
use super::levels::scale;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// Bounds of decisions and the size of the base; configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// About how many records the base holds: sets the prior of one match for each record.
    pub population: u32,
    /// From this weight of a person's best record on, a link is automatic.
    pub automatic_bits: f64,
    /// What the mean over the person's records must reach besides.
    pub support_bits: f64,
    /// From this weight on, a steward is asked.
    pub review_bits: f64,
    /// How far the second person must be behind the first.
    pub margin_bits: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { population: 20_000, automatic_bits: 10.0, support_bits: 2.0, review_bits: -1.0, margin_bits: 6.0 }
    }
}

/// The three probabilities of one level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// The level's name.
    pub id: String,
    /// Between records of one person.
    pub m: f64,
    /// Between records of unrelated people.
    pub u: f64,
    /// Between records of different members of one household.
    pub h: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldFile {
    levels: Vec<Level>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelFile {
    id: String,
    version: u32,
    tradition: String,
    household_size: f64,
    #[serde(default = "one")]
    matches_per_record: f64,
    family: FieldFile,
    given: FieldFile,
    birth: FieldFile,
    sex: FieldFile,
    address: FieldFile,
    phone: FieldFile,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    further: BTreeMap<String, FieldFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    calibration: Option<Calibration>,
}

fn one() -> f64 {
    1.0
}

/// Why a model file is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelError(String);

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "model file: {}", self.0)
    }
}

impl std::error::Error for ModelError {}

/// What training found.
#[derive(Clone, Debug)]
pub struct Learned {
    /// The name of the model.
    pub id: String,
    /// The levels of each field of [`Field::ALL`].
    pub core: Vec<Vec<Level>>,
    /// The levels of the fields that only files have.
    pub further: BTreeMap<String, Vec<Level>>,
    /// How many other members of the household a record has.
    pub household_size: f64,
    /// How many other records of the same person a record has.
    pub matches_per_record: f64,
}

/// A checked model and the settings under which it decides.
#[derive(Clone, Debug)]
pub struct Model {
    id: String,
    version: u32,
    tradition: Tradition,
    household_size: f64,
    matches_per_record: f64,
    levels: Arc<HashMap<(Field, &'static str), Level>>,
    further: Arc<BTreeMap<String, Vec<Level>>>,
    frequencies: Arc<Frequencies>,
    calibration: Option<Calibration>,
    /// Bounds and the size of the base.
    pub settings: Settings,
}

impl Model {
    /// The weights for records of people in Japan.
    pub fn japanese() -> Self {
        static MODEL: OnceLock<Model> = OnceLock::new();
        MODEL.get_or_init(|| shipped(include_str!("models/japanese.toml"), Tradition::Japanese)).clone()
    }

    /// The weights for Western names.
    pub fn western() -> Self {
        static MODEL: OnceLock<Model> = OnceLock::new();
        MODEL.get_or_init(|| shipped(include_str!("models/western.toml"), Tradition::Western)).clone()
    }

    /// Reads and checks a model file.
    pub fn from_toml(text: &str) -> Result<Self, ModelError> {
        let file: ModelFile = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| text.get(..span.start).unwrap_or("").matches('\n').count() + 1);
            let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            ModelError(format!("{place}{}", error.message()))
        })?;
        let tradition = match file.tradition.as_str() {
            "japanese" => Tradition::Japanese,
            "western" => Tradition::Western,
            other => return Err(ModelError(format!("tradition {other:?} is neither \"japanese\" nor \"western\""))),
        };
        if !(0.1..=100.0).contains(&file.household_size) {
            return Err(ModelError("household_size must lie between 0.1 and 100".to_owned()));
        }
        let mut levels = HashMap::new();
        let fields = [file.family, file.given, file.birth, file.sex, file.address, file.phone];
        for (field, said) in Field::ALL.into_iter().zip(fields) {
            let names = scale(tradition, field);
            check_levels(field, names, &said.levels)?;
            levels.extend(names.iter().copied().zip(said.levels).map(|(name, level)| ((field, name), level)));
        }
        if !(0.001..=1000.0).contains(&file.matches_per_record) {
            return Err(ModelError("matches_per_record must lie between 0.001 and 1000".to_owned()));
        }
        let mut further = BTreeMap::new();
        for (name, said) in file.further {
            check_probabilities(&format!("further.{name}"), &said.levels)?;
            further.insert(name, said.levels);
        }
        if let Some(Err(what)) = file.calibration.as_ref().map(Calibration::check) {
            return Err(ModelError(format!("[calibration] {what}")));
        }
        let ModelFile { id, version, household_size, matches_per_record, calibration, .. } = file;
        let (levels, further) = (Arc::new(levels), Arc::new(further));
        let settings = Settings::default();
        let frequencies = Arc::default();
        let model = Self {
            id,
            version,
            tradition,
            household_size,
            matches_per_record,
            levels,
            further,
            frequencies,
            calibration,
            settings,
        };
        match frozen::misjudged(&model) {
            Some(what) => Err(ModelError(what)),
            None => Ok(model),
        }
    }

    /// The model as a file that [`Model::from_toml`] reads.
    pub fn to_toml(&self) -> String {
        let field = |field: Field| FieldFile {
            levels: scale(self.tradition, field).iter().filter_map(|name| self.level(field, name).cloned()).collect(),
        };
        let file = ModelFile {
            id: self.id.clone(),
            version: self.version,
            tradition: match self.tradition {
                Tradition::Japanese => "japanese".to_owned(),
                Tradition::Western => "western".to_owned(),
            },
            household_size: self.household_size,
            matches_per_record: self.matches_per_record,
            family: field(Field::Family),
            given: field(Field::Given),
            birth: field(Field::Birth),
            sex: field(Field::Sex),
            address: field(Field::Address),
            phone: field(Field::Phone),
            further: self
                .further
                .iter()
                .map(|(name, levels)| (name.clone(), FieldFile { levels: levels.clone() }))
                .collect(),
            calibration: self.calibration,
        };
        // Strings, numbers and tables always have a form in TOML.
        toml::to_string(&file).unwrap_or_default()
    }

    /// A model of the same tradition with learned weights, not calibrated; the checks of a file hold for it.
    pub fn learned(&self, learned: Learned) -> Result<Self, ModelError> {
        let mut levels = HashMap::new();
        for (field, of_field) in Field::ALL.into_iter().zip(learned.core) {
            let names = scale(self.tradition, field);
            check_levels(field, names, &of_field)?;
            levels.extend(names.iter().copied().zip(of_field).map(|(name, level)| ((field, name), level)));
        }
        for (name, of_field) in &learned.further {
            check_probabilities(&format!("further.{name}"), of_field)?;
        }
        Ok(Self {
            id: learned.id,
            version: 1,
            tradition: self.tradition,
            household_size: learned.household_size.clamp(0.1, 100.0),
            matches_per_record: learned.matches_per_record.clamp(0.001, 1000.0),
            levels: Arc::new(levels),
            further: Arc::new(learned.further),
            frequencies: self.frequencies.clone(),
            calibration: None,
            settings: self.settings,
        })
    }

    /// The levels of a field that only files have.
    pub fn further(&self, name: &str) -> Option<&[Level]> {
        self.further.get(name).map(Vec::as_slice)
    }

    /// The levels of the six fields that every model has, in the order of [`Field::ALL`].
    pub fn core(&self) -> Vec<Vec<Level>> {
        let of = |field: Field| scale(self.tradition, field).iter().filter_map(move |name| self.level(field, name));
        Field::ALL.into_iter().map(|field| of(field).cloned().collect()).collect()
    }

    /// How many other members of the household a record has on average.
    pub fn household_size(&self) -> f64 {
        self.household_size
    }

    /// How many other records of the same person a record has on average.
    pub fn matches_per_record(&self) -> f64 {
        self.matches_per_record
    }

    /// The same weights under other settings.
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// The same weights, where names occur as often as this snapshot says.
    pub fn with_frequencies(mut self, frequencies: Arc<Frequencies>) -> Self {
        self.frequencies = frequencies;
        self
    }

    /// The same weights where `other` decides: under its settings, where names occur as often as it knows.
    pub fn in_place_of(mut self, other: &Model) -> Self {
        (self.settings, self.frequencies) = (other.settings, Arc::clone(&other.frequencies));
        self
    }

    /// The same weights, which amount to these probabilities; none for those that follow from the weights alone.
    pub fn with_calibration(mut self, calibration: Option<Calibration>) -> Self {
        self.calibration = calibration;
        self
    }

    /// What weights amount to by what stewards decided, where that was learned.
    pub fn calibration(&self) -> Option<Calibration> {
        self.calibration
    }

    /// The probability to which a weight in bits amounts.
    pub fn probability(&self, bits: f64) -> f64 {
        self.calibration.unwrap_or_default().probability(bits)
    }

    /// How often names occur, as far as it is known.
    pub fn frequencies(&self) -> &Frequencies {
        &self.frequencies
    }

    /// Bounds of decisions and the size of the base.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// Name and version, as decisions are stamped: `japanese/1`.
    pub fn version(&self) -> String {
        format!("{}/{}", self.id, self.version)
    }

    /// The same weights under the next version.
    pub fn with_next_version(mut self) -> Self {
        self.version = self.version.saturating_add(1);
        self
    }

    /// The scale of names.
    pub fn tradition(&self) -> Tradition {
        self.tradition
    }

    /// The probabilities of a level.
    pub fn level(&self, field: Field, name: &'static str) -> Option<&Level> {
        self.levels.get(&(field, name))
    }

    /// log2 of the odds that two records taken at random are of one person: as many matches
    /// for each record as the model says.
    pub fn prior_bits(&self) -> f64 {
        (self.matches_per_record / f64::from(self.settings.population.max(1000))).log2()
    }

    /// The share of pairs of records of different people that are of one household.
    pub fn household_share(&self) -> f64 {
        self.household_size / f64::from(self.settings.population.max(1000))
    }
}

fn check_levels(field: Field, names: &[&str], levels: &[Level]) -> Result<(), ModelError> {
    let fail = |what: &str| Err(ModelError(format!("[{}] {what}", field.id())));
    if !levels.iter().map(|level| level.id.as_str()).eq(names.iter().copied()) {
        return fail(&format!("needs the levels {} in this order", names.join(", ")));
    }
    check_probabilities(field.id(), levels)?;
    let weight = |level: Option<&Level>| level.map_or(0.0, |level| (level.m / level.u).log2());
    let best = levels.iter().map(|level| (level.m / level.u).log2()).fold(f64::MIN, f64::max);
    let exact = levels.get(usize::from(matches!(field, Field::Family | Field::Given)));
    if weight(levels.last()) >= 0.0 || weight(exact) <= 0.0 || weight(levels.last()) >= best {
        return fail("is not monotone: agreement must speak for, the last level against one person");
    }
    Ok(())
}

fn check_probabilities(name: &str, levels: &[Level]) -> Result<(), ModelError> {
    let fail = |what: &str| Err(ModelError(format!("[{name}] {what}")));
    let of: [fn(&Level) -> f64; 3] = [|level| level.m, |level| level.u, |level| level.h];
    for probability in of {
        if levels.iter().any(|level| !(1e-9..=1.0).contains(&probability(level))) {
            return fail("has a probability outside 1e-9 to 1");
        }
        let sum: f64 = levels.iter().map(probability).sum();
        if (sum - 1.0).abs() > 0.01 {
            return fail(&format!("has probabilities that sum to {sum:.4}, not 1"));
        }
    }
    Ok(())
}

/// A shipped file is checked by a test; one that were broken would leave a model that never matches.
fn shipped(text: &str, tradition: Tradition) -> Model {
    Model::from_toml(text).unwrap_or_else(|_| Model {
        id: "broken".to_owned(),
        version: 0,
        tradition,
        household_size: 1.0,
        matches_per_record: 1.0,
        levels: Arc::default(),
        further: Arc::default(),
        frequencies: Arc::default(),
        calibration: None,
        settings: Settings::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_models_are_sound() {
        for text in [include_str!("models/japanese.toml"), include_str!("models/western.toml")] {
            if let Err(error) = Model::from_toml(text) {
                panic!("{error}");
            }
        }
        assert_eq!(Model::japanese().version(), "japanese/2");
        assert_eq!(Model::western().version(), "western/2");
    }

    #[test]
    fn unsound_models_are_refused() {
        let good = include_str!("models/japanese.toml");
        for (from, to, complaint) in [
            ("m = 0.975", "m = 0.5", "sum to"),
            ("id = \"exact\"", "id = \"same\"", "in this order"),
            ("m = 0.993, u = 0.5", "m = 1.5, u = 0.5", "outside"),
            (
                "m = 0.993, u = 0.5, h = 0.4 },\n  { id = \"differs\", m = 0.007",
                "m = 0.4, u = 0.5, h = 0.4 },\n  { id = \"differs\", m = 0.6",
                "monotone",
            ),
            ("tradition = \"japanese\"", "tradition = \"martian\"", "martian"),
            ("household_size = 3.0", "household_size = 0.0", "household_size"),
            ("version = 2", "version = 1\nextra = 2", "extra"),
            ("version = 2", "version = 2\ncalibration = { slope = 0.0, shift = 0.0, decisions = 300 }", "slope"),
            ("version = 2", "version = 2\ncalibration = { slope = 1.0, shift = nan, decisions = 300 }", "shift"),
        ] {
            assert!(good.contains(from), "{from}");
            let error = Model::from_toml(&good.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(complaint), "{error}");
        }
    }

    #[test]
    fn a_calibration_is_kept_in_the_file_and_lost_with_the_weights() {
        let calibration = Some(Calibration { slope: 0.5, shift: -1.0, decisions: 300 });
        let model = Model::japanese().with_calibration(calibration);
        assert!((model.probability(4.0) - 2.0 / 3.0).abs() < 1e-9 && Model::japanese().probability(4.0) > 0.94);
        let read = Model::from_toml(&model.to_toml()).expect("it is a sound model");
        assert_eq!((read.calibration(), read.version()), (calibration, model.version()));
        let learned = Learned {
            id: "learned".to_owned(),
            core: model.core(),
            further: BTreeMap::new(),
            household_size: 3.0,
            matches_per_record: 1.0,
        };
        assert_eq!(model.learned(learned).expect("the same weights").calibration(), None);
    }
}
