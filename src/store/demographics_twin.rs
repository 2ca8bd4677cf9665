//! How demographics are stored: a twin of each identity value that serialises, field by field, in all five
//! states. The words used here are in databases: they may be added to, never changed.

use super::StoreError;
use crate::identity::{
    Address, AddressPart, AddressPartKind, Coded, Demographics, Field, Language, NamePart, NamePartKind, Oid,
    OtherIdentifier, PartialDate, PersonName, Relationship, Representation, Sex, Telecom, TelecomScheme, UnknownReason,
};
use serde::{Deserialize, Serialize};

/// `demographics` as JSON.
pub fn to_text(demographics: &Demographics) -> Result<String, StoreError> {
    serde_json::to_string(&demographics.twin()).map_err(|_| CORRUPT)
}

/// Demographics from what [`to_text`] gave.
pub fn from_text(text: &str) -> Result<Demographics, StoreError> {
    Demographics::untwin(serde_json::from_str(text).map_err(|_| CORRUPT)?)
}

const CORRUPT: StoreError = StoreError::Corrupt("demographics");

/// A value with a form that serialises.
trait Twin: Sized {
    type Form: Serialize + for<'de> Deserialize<'de>;
    fn twin(&self) -> Self::Form;
    fn untwin(form: Self::Form) -> Result<Self, StoreError>;
}

/// A field in the form that is stored; what is not there was `Keep`.
#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum State<F> {
    #[default]
    Keep,
    Erase,
    Masked,
    Unknown(UnknownReasonForm),
    Set(F),
}

impl<F> State<F> {
    fn is_keep(&self) -> bool {
        matches!(self, State::Keep)
    }
}

impl<T: Twin> Twin for Field<T> {
    type Form = State<T::Form>;

    fn twin(&self) -> Self::Form {
        match self {
            Field::Keep => State::Keep,
            Field::Erase => State::Erase,
            Field::Masked => State::Masked,
            Field::Unknown(reason) => State::Unknown(reason.twin()),
            Field::Set(value) => State::Set(value.twin()),
        }
    }

    fn untwin(form: Self::Form) -> Result<Self, StoreError> {
        Ok(match form {
            State::Keep => Field::Keep,
            State::Erase => Field::Erase,
            State::Masked => Field::Masked,
            State::Unknown(reason) => Field::Unknown(UnknownReason::untwin(reason)?),
            State::Set(value) => Field::Set(T::untwin(value)?),
        })
    }
}

impl<T: Twin> Twin for Vec<T> {
    type Form = Vec<T::Form>;

    fn twin(&self) -> Self::Form {
        self.iter().map(T::twin).collect()
    }

    fn untwin(form: Self::Form) -> Result<Self, StoreError> {
        form.into_iter().map(T::untwin).collect()
    }
}

impl<T: Twin> Twin for Option<T> {
    type Form = Option<T::Form>;

    fn twin(&self) -> Self::Form {
        self.as_ref().map(T::twin)
    }

    fn untwin(form: Self::Form) -> Result<Self, StoreError> {
        form.map(T::untwin).transpose()
    }
}

macro_rules! itself {
    ($($type:ty),*) => {$(
        impl Twin for $type {
            type Form = $type;
            fn twin(&self) -> $type { self.clone() }
            fn untwin(form: $type) -> Result<Self, StoreError> { Ok(form) }
        }
    )*};
}
itself!(bool, u8, String);

/// The words of an enumeration, as one that serialises: a word is told by what it is, and never copied.
macro_rules! words {
    ($type:ident as $form:ident { $($variant:ident = $word:literal),* $(,)? }) => {
        #[derive(Clone, Copy, Serialize, Deserialize)]
        enum $form { $(#[serde(rename = $word)] $variant),* }

        impl Twin for $type {
            type Form = $form;
            fn twin(&self) -> $form {
                match self { $(Self::$variant => $form::$variant),* }
            }
            fn untwin(form: $form) -> Result<Self, StoreError> {
                Ok(match form { $($form::$variant => Self::$variant),* })
            }
        }
    };
}
words!(UnknownReason as UnknownReasonForm {
    NoInformation = "NI", Unknown = "UNK", AskedButUnknown = "ASKU", NotAsked = "NASK", Unavailable = "NAV",
    NotApplicable = "NA", Other = "OTH",
});
words!(Sex as SexForm { Female = "F", Male = "M", Undifferentiated = "UN" });
words!(Representation as RepresentationForm { Ideographic = "IDE", Syllabic = "SYL", Alphabetic = "ABC" });
words!(NamePartKind as NamePartKindForm {
    Family = "family", Given = "given", Prefix = "prefix", Suffix = "suffix", Delimiter = "delimiter", Text = "text",
});
words!(AddressPartKind as AddressPartKindForm {
    Country = "country", State = "state", County = "county", City = "city", Precinct = "precinct",
    PostalCode = "postal_code", StreetAddressLine = "line", StreetName = "street", HouseNumber = "house",
    Unit = "unit", PostBox = "post_box", Other = "other", Text = "text",
    StreetNameBase = "street_base",
    StreetNameType = "street_type",
    HouseNumberNumeric = "house_numeric",
    BuildingNumberSuffix = "building_suffix",
    Direction = "direction",
    AdditionalLocator = "locator",
    UnitType = "unit_type",
    CareOf = "care_of",
    CensusTract = "census_tract",
    DeliveryAddressLine = "delivery_line",
    DeliveryInstallationType = "installation_type",
    DeliveryInstallationArea = "installation_area",
    DeliveryInstallationQualifier = "installation_qualifier",
    DeliveryMode = "mode",
    DeliveryModeIdentifier = "mode_identifier",
    Delimiter = "delimiter",
});
words!(TelecomScheme as TelecomSchemeForm { Phone = "phone", Fax = "fax", Mail = "mail", Other = "other" });

impl Twin for PartialDate {
    type Form = String;

    fn twin(&self) -> String {
        self.to_hl7()
    }

    fn untwin(form: String) -> Result<Self, StoreError> {
        PartialDate::parse_hl7(&form).map_err(|_| CORRUPT)
    }
}

impl Twin for Oid {
    type Form = String;

    fn twin(&self) -> String {
        self.to_string()
    }

    fn untwin(form: String) -> Result<Self, StoreError> {
        Oid::parse(&form).map_err(|_| CORRUPT)
    }
}

macro_rules! twin {
    ($type:ident as $form:ident { $($field:ident: $of:ty),* $(,)? }) => {
        #[derive(Serialize, Deserialize)]
        struct $form { $($field: <$of as Twin>::Form),* }

        impl Twin for $type {
            type Form = $form;
            fn twin(&self) -> $form {
                $form { $($field: self.$field.twin()),* }
            }
            fn untwin(form: $form) -> Result<Self, StoreError> {
                Ok($type { $($field: <$of as Twin>::untwin(form.$field)?),* })
            }
        }
    };
}
twin!(NamePart as NamePartForm { kind: NamePartKind, value: String, qualifiers: Vec<String> });
twin!(PersonName as PersonNameForm { uses: Vec<String>, representation: Option<Representation>, parts: Vec<NamePart> });
twin!(AddressPart as AddressPartForm { kind: AddressPartKind, value: String });
twin!(Address as AddressForm { uses: Vec<String>, parts: Vec<AddressPart> });
twin!(Telecom as TelecomForm { uses: Vec<String>, scheme: TelecomScheme, value: String });
twin!(Coded as CodedForm { code: String, system: String, display: String });
/// What older versions wrote of a language is its code alone.
#[derive(Serialize, Deserialize)]
struct LanguageForm {
    #[serde(flatten)]
    code: CodedForm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<CodedForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proficiency: Option<CodedForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    preferred: Option<bool>,
}

impl Twin for Language {
    type Form = LanguageForm;

    fn twin(&self) -> LanguageForm {
        LanguageForm {
            code: self.code.twin(),
            mode: self.mode.twin(),
            proficiency: self.proficiency.twin(),
            preferred: self.preferred,
        }
    }

    fn untwin(form: LanguageForm) -> Result<Self, StoreError> {
        Ok(Self {
            code: Coded::untwin(form.code)?,
            mode: Option::untwin(form.mode)?,
            proficiency: Option::untwin(form.proficiency)?,
            preferred: form.preferred,
        })
    }
}

twin!(Relationship as RelationshipForm { code: Coded, names: Vec<PersonName> });
twin!(OtherIdentifier as OtherIdentifierForm { authority: Oid, value: String });

macro_rules! fields {
    ($($field:ident: $of:ty),* $(,)?) => {
        #[derive(Serialize, Deserialize)]
        struct DemographicsForm {
            $(#[serde(default, skip_serializing_if = "State::is_keep")] $field: State<<$of as Twin>::Form>),*
        }

        impl Twin for Demographics {
            type Form = DemographicsForm;
            fn twin(&self) -> DemographicsForm {
                DemographicsForm { $($field: self.$field.twin()),* }
            }
            fn untwin(form: DemographicsForm) -> Result<Self, StoreError> {
                Ok(Demographics { $($field: Field::<$of>::untwin(form.$field)?),* })
            }
        }
    };
}
fields! {
    names: Vec<PersonName>, sex: Sex, birth_date: PartialDate, addresses: Vec<Address>, telecoms: Vec<Telecom>,
    deceased: bool, deceased_time: PartialDate, multiple_birth: bool, birth_order: u8, marital_status: Coded,
    religion: Coded, races: Vec<Coded>, ethnic_groups: Vec<Coded>, citizenships: Vec<Coded>, languages: Vec<Language>,
    relationships: Vec<Relationship>, birth_place: Address, other_identifiers: Vec<OtherIdentifier>,
    confidentiality: Vec<Coded>, vip: Coded,
}

#[cfg(test)]
mod tests;
