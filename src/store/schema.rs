//! The tables, in types that both databases share. It must say the same as both sets of migrations (a test
//! compares their columns).

diesel::table! {
    process (lane) {
        lane -> Integer,
        host -> Text,
        pid -> BigInt,
        started -> BigInt,
    }
}

diesel::table! {
    domain (key) {
        key -> Text,
        name -> Text,
        facility -> Text,
        one_identifier_per_person -> Bool,
        state -> Text,
        regional -> Bool,
    }
}

diesel::table! {
    domain_name (oid, valid_from) {
        oid -> Text,
        valid_from -> BigInt,
        domain_key -> Text,
        namespace -> Text,
        valid_to -> Nullable<BigInt>,
    }
}

diesel::table! {
    inbox (message_key, id) {
        message_key -> BigInt,
        id -> BigInt,
        principal -> Text,
        message_id -> Text,
        transaction_name -> Text,
        payload_hash -> Text,
        payload -> Binary,
        received -> BigInt,
        reply_id -> Text,
        outcome -> Text,
        seq -> Nullable<BigInt>,
        drawn -> Nullable<Text>,
    }
}

diesel::table! {
    source_record (id) {
        id -> BigInt,
        identifier_key -> BigInt,
        domain_key -> Text,
        value -> Text,
        generation -> Integer,
        status -> Text,
        survivor -> Nullable<BigInt>,
        version -> Integer,
        created -> BigInt,
    }
}

diesel::table! {
    demographic_version (record_id, version) {
        record_id -> BigInt,
        version -> Integer,
        recorded -> BigInt,
        principal -> Text,
        inbox_id -> Nullable<BigInt>,
        content -> Text,
    }
}

diesel::table! {
    comparison_row (record_id) {
        record_id -> BigInt,
        row -> Binary,
        person_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    blocking_key (key, record_id) {
        key -> BigInt,
        record_id -> BigInt,
    }
}

diesel::table! {
    search_token (kind, value, record_id) {
        kind -> SmallInt,
        value -> Text,
        record_id -> BigInt,
    }
}

diesel::table! {
    person (id) {
        id -> BigInt,
        state -> Text,
        successor -> Nullable<BigInt>,
        created -> BigInt,
    }
}

diesel::table! {
    regional_id (value) {
        value -> Text,
        person_id -> BigInt,
        state -> Text,
        issued -> BigInt,
        retired -> Nullable<BigInt>,
    }
}

diesel::table! {
    regional_block (prefix) {
        prefix -> Text,
        next -> BigInt,
    }
}

diesel::table! {
    link (id) {
        id -> BigInt,
        record_id -> BigInt,
        person_id -> BigInt,
        origin -> Text,
        actor -> Text,
        weight -> Double,
        model -> Text,
        reason -> Text,
        valid_from -> BigInt,
        valid_to -> Nullable<BigInt>,
    }
}

diesel::table! {
    steward_decision (id) {
        id -> BigInt,
        record_a -> BigInt,
        record_b -> BigInt,
        verdict -> Text,
        actor -> Text,
        reason -> Text,
        decided -> BigInt,
        withdrawn -> Nullable<BigInt>,
    }
}

diesel::table! {
    steward_operation (id) {
        id -> BigInt,
        kind -> Text,
        actor -> Text,
        reason -> Text,
        time -> BigInt,
        person_id -> BigInt,
        effects -> Text,
        undone -> Nullable<BigInt>,
    }
}

diesel::table! {
    review (id) {
        id -> BigInt,
        kind -> Text,
        record_id -> BigInt,
        other_record -> Nullable<BigInt>,
        person_id -> Nullable<BigInt>,
        weight -> Double,
        model -> Text,
        explanation -> Text,
        opened -> BigInt,
        state -> Text,
        decided -> Nullable<BigInt>,
        decided_by -> Nullable<Text>,
        verdict -> Nullable<Text>,
    }
}

diesel::table! {
    event (id) {
        id -> BigInt,
        seq -> Nullable<BigInt>,
        time -> BigInt,
        kind -> Text,
        record_id -> Nullable<BigInt>,
        person_id -> Nullable<BigInt>,
        other_id -> Nullable<BigInt>,
        actor -> Text,
        inbox_id -> Nullable<BigInt>,
        detail -> Text,
    }
}

diesel::table! {
    outbox (id) {
        id -> BigInt,
        seq -> Nullable<BigInt>,
        time -> BigInt,
        kind -> Text,
        person_id -> BigInt,
        record_id -> Nullable<BigInt>,
        domains -> Text,
        state -> Text,
        attempts -> Integer,
    }
}

diesel::table! {
    subscriber (name) {
        name -> Text,
        domains -> Text,
        state -> Text,
        delivered -> BigInt,
        attempts -> Integer,
        refusals -> Integer,
        next_try -> BigInt,
        trouble -> Text,
        holder -> Text,
        held_until -> BigInt,
        audience -> Nullable<Text>,
        shown -> Nullable<Text>,
        snapshot -> Nullable<Text>,
        snapshot_after -> Nullable<BigInt>,
    }
}

diesel::table! {
    dead_letter (subscriber, outbox_id) {
        subscriber -> Text,
        outbox_id -> BigInt,
        seq -> BigInt,
        time -> BigInt,
        kind -> Text,
        person_id -> BigInt,
        attempts -> Integer,
        trouble -> Text,
        parked -> BigInt,
        state -> Text,
    }
}

diesel::table! {
    audit (id) {
        id -> BigInt,
        seq -> Nullable<BigInt>,
        time -> BigInt,
        transaction_name -> Text,
        principal -> Text,
        action -> Text,
        outcome -> Integer,
        reason -> Text,
        message_id -> Text,
        records -> Text,
        persons -> Text,
        digest -> Nullable<Text>,
    }
}

diesel::table! {
    kept_query (id) {
        id -> BigInt,
        principal -> Text,
        query_id -> Text,
        kept -> BigInt,
        expires -> BigInt,
        domains -> Text,
        page_size -> Integer,
        next -> Integer,
        pages -> Text,
        results -> Text,
        echo -> Text,
    }
}

diesel::table! {
    setting (name) {
        name -> Text,
        value -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    process,
    domain,
    domain_name,
    inbox,
    source_record,
    demographic_version,
    comparison_row,
    blocking_key,
    search_token,
    person,
    regional_id,
    regional_block,
    link,
    steward_decision,
    steward_operation,
    review,
    event,
    outbox,
    subscriber,
    dead_letter,
    audit,
    kept_query,
    setting,
);
