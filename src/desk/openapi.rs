//! The description of all calls, made from their table, so that it cannot say anything else.

use super::{BASE, CALLS, Call, PROBLEMS, Part};
use serde_json::{Map, Value, json};

/// The OpenAPI document of the API.
pub fn document() -> Value {
    let mut paths = Map::new();
    for call in &CALLS {
        let path = paths.entry(format!("{BASE}{}", call.path)).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(call.method.to_lowercase(), operation(call));
        }
    }
    let problem = json!({
        "type": "object",
        "required": ["type", "title", "status"],
        "properties": {
            "type": { "type": "string", "enum": PROBLEMS.iter().map(|row| format!("urn:nayose:problem:{}", row.word)).collect::<Vec<_>>() },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "decisions": { "type": "array", "items": { "type": "integer" } },
        },
    });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Nayose: the desk of operators and stewards",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Reviews, persons, explanations, the outbox, domains and systems. Every call needs the bearer token and is audited; the header Nayose-Steward names who calls.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": { "Problem": problem },
        },
        "security": [{ "token": [] }],
    })
}

fn operation(call: &Call) -> Value {
    let mut parameters: Vec<Value> = call
        .query
        .iter()
        .map(|part| {
            json!({
                "name": part.name, "in": "query", "required": part.needed, "description": part.about, "schema": kind(part),
            })
        })
        .collect();
    if call.path.contains("{id}") {
        let about = if call.path.starts_with("/persons") { "a regional ID, or OID^VALUE" } else { "its number or key" };
        parameters.push(json!({
            "name": "id", "in": "path", "required": true, "description": about, "schema": { "type": "string" },
        }));
    }
    let refused = json!({
        "description": "it was not done, and why",
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    });
    let done = json!({ "description": "done", "content": { "application/json": { "schema": { "type": "object" } } } });
    let mut told = json!({
        "operationId": call.name.replace(' ', "_"),
        "summary": call.about,
        "parameters": parameters,
        "responses": { "200": done, "default": refused },
    });
    if let (false, Some(object)) = (call.body.is_empty(), told.as_object_mut()) {
        let properties: Map<String, Value> = call
            .body
            .iter()
            .map(|part| {
                let mut form = kind(part);
                if let Some(form) = form.as_object_mut() {
                    form.insert("description".to_owned(), part.about.into());
                }
                (part.name.to_owned(), form)
            })
            .collect();
        let needed: Vec<&str> = call.body.iter().filter(|part| part.needed).map(|part| part.name).collect();
        let form = json!({
            "type": "object", "properties": properties, "required": needed, "additionalProperties": false,
        });
        let content = json!({ "application/json": { "schema": form } });
        object.insert("requestBody".to_owned(), json!({ "required": !needed.is_empty(), "content": content }));
    }
    told
}

fn kind(part: &Part) -> Value {
    match part.kind {
        "strings" => json!({ "type": "array", "items": { "type": "string" } }),
        "integers" => json!({ "type": "array", "items": { "type": "integer" } }),
        kind => json!({ "type": kind }),
    }
}
