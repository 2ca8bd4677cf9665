//! A postal address, its parts in the order in which they were given.

use std::fmt;

/// Which part of an address (v3 AD).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressPartKind {
    /// `country`
    Country,
    /// `state`: a prefecture in Japan.
    State,
    /// `county`
    County,
    /// `city`
    City,
    /// `precinct`: a town within a city.
    Precinct,
    /// `postalCode`
    PostalCode,
    /// `streetAddressLine`
    StreetAddressLine,
    /// `streetName`
    StreetName,
    /// `houseNumber`
    HouseNumber,
    /// `unitID`: building and flat.
    Unit,
    /// `postBox`
    PostBox,
    /// `streetNameBase`
    StreetNameBase,
    /// `streetNameType`
    StreetNameType,
    /// `houseNumberNumeric`
    HouseNumberNumeric,
    /// `buildingNumberSuffix`
    BuildingNumberSuffix,
    /// `direction`
    Direction,
    /// `additionalLocator`
    AdditionalLocator,
    /// `unitType`
    UnitType,
    /// `careOf`
    CareOf,
    /// `censusTract`
    CensusTract,
    /// `deliveryAddressLine`
    DeliveryAddressLine,
    /// `deliveryInstallationType`
    DeliveryInstallationType,
    /// `deliveryInstallationArea`
    DeliveryInstallationArea,
    /// `deliveryInstallationQualifier`
    DeliveryInstallationQualifier,
    /// `deliveryMode`
    DeliveryMode,
    /// `deliveryModeIdentifier`
    DeliveryModeIdentifier,
    /// `delimiter`
    Delimiter,
    /// A part that v3 AD does not know, kept but not compared.
    Other,
    /// Text outside any part; an unstructured address is a single part of this kind.
    Text,
}

/// One part of an address.
#[derive(Clone, PartialEq, Eq)]
pub struct AddressPart {
    /// Which part.
    pub kind: AddressPartKind,
    /// Its text as the source wrote it.
    pub value: String,
}

/// One address.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// Uses as sent (v3 AD `@use`: `H`, `HP`, `WP`, `TMP` ...).
    pub uses: Vec<String>,
    /// The parts, in order.
    pub parts: Vec<AddressPart>,
}

impl Address {
    /// The first part of `kind`; empty where there is none.
    pub fn first(&self, kind: AddressPartKind) -> &str {
        self.parts.iter().find(|part| part.kind == kind).map_or("", |part| part.value.as_str())
    }
}

impl fmt::Debug for AddressPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}(…)", self.kind)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({} parts)", self.parts.len())
    }
}
