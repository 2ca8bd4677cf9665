//! The invented region "Hoshimi": its network constants and its 29 facilities.
//!
//! Every name is invented, and every OID lies in `2.999`, the arc that is reserved for examples. No name
//! of a real network, hospital or place may enter here.

use crate::identity::{AssigningAuthority, DomainKey, Oid};

/// Name of the network.
pub const NETWORK_NAME: &str = "Hoshimi Net";
/// The regional authority, under which persons get their regional ID.
pub const REGIONAL_OID: &str = "2.999.1";
/// The regional authority's namespace.
pub const REGIONAL_NAMESPACE: &str = "HOSHIMI";
/// The device id of the registry itself in v3 messages.
pub const DEVICE_OID: &str = "2.999.1.0";
/// The device id of the hospital H01's record system, from which the printed calls come.
pub const H01_DEVICE_OID: &str = "2.999.1.11.1";

/// What sort of place a facility is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FacilityKind {
    /// A hospital.
    Hospital,
    /// A clinic.
    Clinic,
    /// A dentist.
    Dentist,
    /// A care home.
    CareHome,
}

/// One facility, which is one domain of identifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facility {
    /// Key, OID, namespace and English name.
    pub authority: AssigningAuthority,
    /// The facility code (`H01`).
    pub facility: String,
    /// The name as it stands on the door.
    pub japanese_name: String,
    /// What it is.
    pub kind: FacilityKind,
    /// In which of the region's cities it stands, from 0.
    pub city: u32,
}

/// The network with its facilities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// The network's name.
    pub name: &'static str,
    /// The regional authority.
    pub regional: AssigningAuthority,
    /// The registry's own device id.
    pub device: Oid,
    /// The facilities: hospitals, clinics, dentists, the care home.
    pub facilities: Vec<Facility>,
}

impl Region {
    /// The facility of `key` (`h01`).
    pub fn facility(&self, key: &str) -> Option<&Facility> {
        self.facilities.iter().find(|facility| facility.authority.key.0 == key)
    }
}

/// `(letter, first arc, kind, [(Japanese, English)])`; the arcs of one kind follow each other.
type Row = (&'static str, u32, FacilityKind, &'static [(&'static str, &'static str)]);

const ROWS: [Row; 4] = [
    (
        "H",
        11,
        FacilityKind::Hospital,
        &[
            ("星海中央総合病院", "Hoshimi Central Hospital"),
            ("月代野医療センター", "Hoshimi Tsukishirono Medical Center"),
            ("朝凪浜湾岸病院", "Hoshimi Asanagihama Bay Hospital"),
            ("霧ヶ原高原病院", "Hoshimi Kirigahara Highland Hospital"),
            ("鈴ノ杜こども病院", "Hoshimi Suzunomori Children's Hospital"),
            ("白鷺沢リハビリ病院", "Hoshimi Shirasagizawa Rehabilitation Hospital"),
            ("星海星影病院", "Hoshimi Hoshikage Hospital"),
        ],
    ),
    (
        "C",
        21,
        FacilityKind::Clinic,
        &[
            ("星海星影内科", "Hoshimi Hoshikage Internal Medicine Clinic"),
            ("星海月見坂クリニック", "Hoshimi Tsukimizaka Clinic"),
            ("星海雲居眼科", "Hoshimi Kumoi Eye Clinic"),
            ("星海風待整形外科", "Hoshimi Kazamachi Orthopaedic Clinic"),
            ("星海潮路小児科", "Hoshimi Shioji Paediatric Clinic"),
            ("星海光ヶ浦皮膚科", "Hoshimi Hikarigaura Skin Clinic"),
            ("星海藍染耳鼻科", "Hoshimi Aizome Ear Clinic"),
            ("星海露草産科", "Hoshimi Tsuyukusa Maternity Clinic"),
            ("星海若草野内科", "Hoshimi Wakakusano Internal Medicine Clinic"),
            ("星海茜ヶ丘医院", "Hoshimi Akanegaoka Clinic"),
            ("星海銀杏通クリニック", "Hoshimi Ichodori Clinic"),
            ("星海夕凪診療所", "Hoshimi Yunagi Clinic"),
            ("月代野星影医院", "Hoshimi Tsukishirono Hoshikage Clinic"),
            ("朝凪浜潮路内科", "Hoshimi Asanagihama Shioji Clinic"),
            ("霧ヶ原雲居診療所", "Hoshimi Kirigahara Kumoi Clinic"),
            ("鈴ノ杜若草野小児科", "Hoshimi Suzunomori Paediatric Clinic"),
            ("白鷺沢夕凪クリニック", "Hoshimi Shirasagizawa Yunagi Clinic"),
        ],
    ),
    (
        "D",
        41,
        FacilityKind::Dentist,
        &[
            ("星海星影歯科", "Hoshimi Hoshikage Dental Clinic"),
            ("月代野露草歯科", "Hoshimi Tsukishirono Tsuyukusa Dental Clinic"),
            ("朝凪浜風待歯科", "Hoshimi Asanagihama Kazamachi Dental Clinic"),
            ("霧ヶ原茜ヶ丘歯科", "Hoshimi Kirigahara Akanegaoka Dental Clinic"),
        ],
    ),
    ("K", 51, FacilityKind::CareHome, &[("星海夕凪苑", "Hoshimi Yunagi Care Home")]),
];

/// How many cities the region has.
pub const CITIES: u32 = 6;

/// The region. Empty facilities cannot occur: every row is checked by the tests.
pub fn region() -> Region {
    let mut facilities = Vec::new();
    for (letter, first_arc, kind, names) in ROWS {
        for ((japanese, english), number) in names.iter().zip(0u32..) {
            let code = format!("{letter}{:02}", number + 1);
            let oid = oid(&format!("{REGIONAL_OID}.{}", first_arc + number));
            let key = DomainKey(code.to_lowercase());
            facilities.push(Facility {
                authority: AssigningAuthority { key, oid, namespace: code.clone(), name: (*english).to_owned() },
                facility: code,
                japanese_name: (*japanese).to_owned(),
                kind,
                city: number % CITIES,
            });
        }
    }
    let regional = AssigningAuthority {
        key: DomainKey("regional".to_owned()),
        oid: oid(REGIONAL_OID),
        namespace: REGIONAL_NAMESPACE.to_owned(),
        name: NETWORK_NAME.to_owned(),
    };
    Region { name: NETWORK_NAME, regional, device: oid(DEVICE_OID), facilities }
}

fn oid(text: &str) -> Oid {
    #[expect(clippy::expect_used, reason = "texts of this file alone; the tests build the whole region")]
    Oid::parse(text).expect("an OID of the example arc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_of_the_documentation() {
        let region = region();
        assert_eq!(region.facilities.len(), 29);
        for (key, oid, namespace) in [
            ("h01", "2.999.1.11", "H01"),
            ("h07", "2.999.1.17", "H07"),
            ("c01", "2.999.1.21", "C01"),
            ("c17", "2.999.1.37", "C17"),
            ("d01", "2.999.1.41", "D01"),
            ("d04", "2.999.1.44", "D04"),
            ("k01", "2.999.1.51", "K01"),
        ] {
            let facility = region.facility(key).unwrap();
            assert_eq!((facility.authority.oid.as_str(), facility.facility.as_str()), (oid, namespace));
            assert!(facility.authority.name.starts_with("Hoshimi "), "{key}");
        }
        let names: std::collections::HashSet<_> = region.facilities.iter().map(|f| &f.japanese_name).collect();
        assert_eq!(names.len(), 29);
        assert!(region.facility("h08").is_none());
        assert_eq!(region.device.as_str(), "2.999.1.0");
    }
}
