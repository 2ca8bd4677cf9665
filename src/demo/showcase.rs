//! The one family that the documentation shows, the same in every region whatever its seed.
//!
//! A woman who is known to the hospital H01 and the clinic C01, written down differently: the clinic's
//! clerk wrote an older character (齋 for 斎), half-width kana, no Latin letters, and she had moved within
//! her town by then. Her sister is known to H01 under the same surname, address and home telephone, with
//! another given name and birth date: she must stay another person.

use super::names::{PREFECTURE, words};
use super::region::Region;
use super::{DemoRecord, visits};
use crate::identity::{
    Address, AddressPart, AddressPartKind, Demographics, Field, PartialDate, PersonName, Representation, Sex, Telecom,
    TelecomScheme,
};

/// The woman's patient number at H01.
pub const SHOWCASE_H01_VALUE: &str = "04183027";
/// The woman's patient number at C01.
pub const SHOWCASE_C01_VALUE: &str = "4238460";
/// Her sister's patient number at H01.
pub const SHOWCASE_SISTER_VALUE: &str = "10363364";

/// The woman's family name in kana, for a query by demographics.
pub const FAMILY_KANA: &str = "サイトウ";
/// The woman's given name in kana.
pub const GIVEN_KANA: &str = "ヨウコ";
/// The woman's birth date, in the form of HL7.
pub const BIRTH: &str = "19680412";

/// How many people the family has; they are the numbers 0 and 1.
pub const PEOPLE: u32 = 2;

const WOMAN: u32 = 0;
const SISTER: u32 = 1;
const HOME_PHONE: &str = "tel:029-143-2178";
const HER_MOBILE: &str = "tel:090-0431-7265";

/// The family's records: H01, C01, the sister's at H01.
pub fn records(region: &Region) -> Vec<DemoRecord> {
    let index = |code: &str| region.facilities.iter().position(|facility| facility.facility == code);
    let home = |block: &str| address(block, Some("コーポ星影203号室"));
    let rows = [
        (
            "H01",
            WOMAN,
            demographics(
                &[
                    (Representation::Ideographic, "斎藤", "陽子"),
                    (Representation::Syllabic, FAMILY_KANA, GIVEN_KANA),
                    (Representation::Alphabetic, "Saito", "Yoko"),
                ],
                BIRTH,
                home("2丁目8番3号"),
                &[("HP", HOME_PHONE), ("MC", HER_MOBILE)],
            ),
        ),
        (
            "C01",
            WOMAN,
            demographics(
                &[(Representation::Ideographic, "齋藤", "陽子"), (Representation::Syllabic, "ｻｲﾄｳ", "ﾖｳｺ")],
                BIRTH,
                address("２－１４－６", None),
                &[("MC", HER_MOBILE)],
            ),
        ),
        (
            "H01",
            SISTER,
            demographics(
                &[
                    (Representation::Ideographic, "斎藤", "真由美"),
                    (Representation::Syllabic, FAMILY_KANA, "マユミ"),
                    (Representation::Alphabetic, "Saito", "Mayumi"),
                ],
                "19710925",
                home("2丁目8番3号"),
                &[("HP", HOME_PHONE)],
            ),
        ),
    ];
    rows.into_iter().filter_map(|(code, truth, said)| visits::record(region, index(code)?, truth, said)).collect()
}

fn demographics(
    names: &[(Representation, &str, &str)],
    birth: &str,
    address: Address,
    telecoms: &[(&str, &str)],
) -> Demographics {
    let names = names.iter().map(|(script, family, given)| PersonName::simple(Some(*script), family, given)).collect();
    let telecoms = telecoms
        .iter()
        .map(|(usage, value)| Telecom {
            uses: vec![(*usage).to_owned()],
            scheme: TelecomScheme::Phone,
            value: (*value).to_owned(),
        })
        .collect();
    let said = Demographics {
        names: Field::Set(names),
        sex: Field::Set(Sex::Female),
        birth_date: PartialDate::parse_hl7(birth).map_or(Field::Keep, Field::Set),
        addresses: Field::Set(vec![address]),
        telecoms: Field::Set(telecoms),
        ..Default::default()
    };
    said.over(Demographics::default())
}

fn address(block: &str, building: Option<&str>) -> Address {
    let mut parts = Vec::new();
    let mut part = |kind, value: &str| parts.push(AddressPart { kind, value: value.to_owned() });
    part(AddressPartKind::State, PREFECTURE);
    let town = words().towns.first();
    if let Some(town) = town {
        part(AddressPartKind::City, town.city);
        part(AddressPartKind::Precinct, town.name);
    }
    part(AddressPartKind::StreetAddressLine, block);
    if let Some(building) = building {
        part(AddressPartKind::StreetAddressLine, building);
    }
    if let Some(town) = town {
        part(AddressPartKind::PostalCode, town.postal_code);
    }
    Address { uses: vec!["HP".to_owned()], parts }
}

#[cfg(test)]
mod tests {
    use super::super::region::region;
    use super::*;

    #[test]
    fn the_family_has_the_numbers_of_the_documentation() {
        let records = records(&region());
        let told: Vec<_> = records.iter().map(|r| (r.domain.0.as_str(), r.value.as_str(), r.truth)).collect();
        assert_eq!(
            told,
            [("h01", SHOWCASE_H01_VALUE, 0), ("c01", SHOWCASE_C01_VALUE, 0), ("h01", SHOWCASE_SISTER_VALUE, 1)]
        );
        let births: Vec<_> = records.iter().map(|r| r.demographics.birth_date.value().unwrap().to_hl7()).collect();
        assert_eq!(births, [BIRTH, BIRTH, "19710925"]);
        assert!(records[0].demographics.addresses == records[2].demographics.addresses);
        assert!(records[0].demographics.addresses != records[1].demographics.addresses);
    }
}
