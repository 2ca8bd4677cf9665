//! How demographics are stored: a twin of each identity value that serialises, field by field, in all five
//! states. The words used here are in databases: they may be added to, never changed.

use super::StoreError;
use crate::identity::{
    Address, AddressPart, AddressPartKind, Coded, Demographics, Field, NamePart, NamePartKind, Oid, OtherIdentifier,
    PartialDate, PersonName, Relationship, Representation, Sex, Telecom, TelecomScheme, UnknownReason,
};
use serde::{Deserialize, Serialize};

/// `demographics` as JSON.
pub(super) fn to_text(demographics: &Demographics) -> Result<String, StoreError> {
    serde_json::to_string(&demographics.twin()).map_err(|_| CORRUPT)
}

/// Demographics from what [`to_text`] gave.
pub(super) fn from_text(text: &str) -> Result<Demographics, StoreError> {
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
    Unknown(String),
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

macro_rules! words {
    ($type:ty { $($variant:ident = $word:literal),* $(,)? }) => {
        impl Twin for $type {
            type Form = String;
            fn twin(&self) -> String {
                match self { $(Self::$variant => $word),* }.to_owned()
            }
            fn untwin(form: String) -> Result<Self, StoreError> {
                match form.as_str() { $($word => Ok(Self::$variant),)* _ => Err(CORRUPT) }
            }
        }
    };
}
words!(UnknownReason {
    NoInformation = "NI", Unknown = "UNK", AskedButUnknown = "ASKU", NotAsked = "NASK", Unavailable = "NAV",
    NotApplicable = "NA", Other = "OTH",
});
words!(Sex { Female = "F", Male = "M", Undifferentiated = "UN" });
words!(Representation { Ideographic = "IDE", Syllabic = "SYL", Alphabetic = "ABC" });
words!(NamePartKind {
    Family = "family", Given = "given", Prefix = "prefix", Suffix = "suffix", Delimiter = "delimiter", Text = "text",
});
words!(AddressPartKind {
    Country = "country", State = "state", County = "county", City = "city", Precinct = "precinct",
    PostalCode = "postal_code", StreetAddressLine = "line", StreetName = "street", HouseNumber = "house",
    Unit = "unit", PostBox = "post_box", Other = "other", Text = "text",
});
words!(TelecomScheme { Phone = "phone", Fax = "fax", Mail = "mail", Other = "other" });

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
    religion: Coded, races: Vec<Coded>, ethnic_groups: Vec<Coded>, citizenships: Vec<Coded>, languages: Vec<Coded>,
    relationships: Vec<Relationship>, birth_place: Address, other_identifiers: Vec<OtherIdentifier>,
    confidentiality: Vec<Coded>, vip: Coded,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::PersonName;
    use proptest::prelude::*;

    fn field<T: Clone + std::fmt::Debug + 'static>(
        value: impl Strategy<Value = T> + 'static,
    ) -> BoxedStrategy<Field<T>> {
        prop_oneof![
            Just(Field::Keep),
            Just(Field::Erase),
            Just(Field::Masked),
            prop::sample::select(vec![
                UnknownReason::NoInformation,
                UnknownReason::Unknown,
                UnknownReason::AskedButUnknown,
                UnknownReason::NotAsked,
                UnknownReason::Unavailable,
                UnknownReason::NotApplicable,
                UnknownReason::Other,
            ])
            .prop_map(Field::Unknown),
            value.prop_map(Field::Set),
        ]
        .boxed()
    }

    fn list<T: Clone + std::fmt::Debug + 'static>(
        value: impl Strategy<Value = T> + 'static,
    ) -> BoxedStrategy<Field<Vec<T>>> {
        field(prop::collection::vec(value, 0..3))
    }

    fn text() -> impl Strategy<Value = String> {
        r#"[a山"<& \\]{0,4}"#
    }

    fn coded() -> impl Strategy<Value = Coded> {
        (text(), text(), text()).prop_map(|(code, system, display)| Coded { code, system, display })
    }

    fn date() -> impl Strategy<Value = PartialDate> {
        prop::sample::select(vec!["1940", "194002", "19400229", "19400229135959.5+0900"])
            .prop_map(|text| PartialDate::parse_hl7(text).unwrap())
    }

    fn name() -> impl Strategy<Value = PersonName> {
        use NamePartKind::{Delimiter, Family, Given, Prefix, Suffix, Text};
        let kind = prop::sample::select(vec![Family, Given, Prefix, Suffix, Delimiter, Text]);
        let part = (kind, text(), prop::collection::vec(text(), 0..2)).prop_map(|(kind, value, qualifiers)| NamePart {
            kind,
            value,
            qualifiers,
        });
        let script = prop::sample::select(vec![
            None,
            Some(Representation::Ideographic),
            Some(Representation::Syllabic),
            Some(Representation::Alphabetic),
        ]);
        (prop::collection::vec(text(), 0..2), script, prop::collection::vec(part, 0..3))
            .prop_map(|(uses, representation, parts)| PersonName { uses, representation, parts })
    }

    fn address() -> impl Strategy<Value = Address> {
        use AddressPartKind::*;
        let kind = prop::sample::select(vec![
            Country,
            State,
            County,
            City,
            Precinct,
            PostalCode,
            StreetAddressLine,
            StreetName,
            HouseNumber,
            Unit,
            PostBox,
            Other,
            Text,
        ]);
        let part = (kind, text()).prop_map(|(kind, value)| AddressPart { kind, value });
        (prop::collection::vec(text(), 0..2), prop::collection::vec(part, 0..4))
            .prop_map(|(uses, parts)| Address { uses, parts })
    }

    fn telecom() -> impl Strategy<Value = Telecom> {
        use TelecomScheme::{Fax, Mail, Other, Phone};
        (prop::collection::vec(text(), 0..2), prop::sample::select(vec![Phone, Fax, Mail, Other]), text())
            .prop_map(|(uses, scheme, value)| Telecom { uses, scheme, value })
    }

    fn demographics() -> impl Strategy<Value = Demographics> {
        let sex = field(prop::sample::select(vec![Sex::Female, Sex::Male, Sex::Undifferentiated]));
        let relative =
            (coded(), prop::collection::vec(name(), 0..2)).prop_map(|(code, names)| Relationship { code, names });
        let other = text().prop_map(|value| OtherIdentifier { authority: Oid::parse("2.999.1").unwrap(), value });
        let person = (list(name()), sex, field(date()), list(address()), list(telecom()));
        let life = (field(any::<bool>()), field(date()), field(any::<bool>()), field(any::<u8>()), field(address()));
        let codes = (field(coded()), field(coded()), list(coded()), list(coded()), list(coded()), list(coded()));
        let rest = (list(relative), list(other), list(coded()), field(coded()));
        (person, life, codes, rest).prop_map(|(p, l, c, r)| Demographics {
            names: p.0,
            sex: p.1,
            birth_date: p.2,
            addresses: p.3,
            telecoms: p.4,
            deceased: l.0,
            deceased_time: l.1,
            multiple_birth: l.2,
            birth_order: l.3,
            birth_place: l.4,
            marital_status: c.0,
            religion: c.1,
            races: c.2,
            ethnic_groups: c.3,
            citizenships: c.4,
            languages: c.5,
            relationships: r.0,
            other_identifiers: r.1,
            confidentiality: r.2,
            vip: r.3,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_stored_is_what_was_said(said in demographics()) {
            let again = from_text(&to_text(&said).unwrap()).unwrap();
            prop_assert!(again == said, "{}", to_text(&said).unwrap());
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_and_not_guessed() {
        let check = |text: &str| assert!(matches!(from_text(text), Err(StoreError::Corrupt("demographics"))), "{text}");
        check("");
        check("[]x");
        check(r#"{"sex":{"set":"X"}}"#);
        check(r#"{"birth_date":{"set":"19400230"}}"#);
        check(r#"{"vip":{"unknown":"??"}}"#);
        assert!(from_text("{}").unwrap() == Demographics::default());
    }
}
