use super::*;
use serde_json::json;

#[test]
fn a_path_finds_its_call_and_what_stands_in_it() {
    let check = |method: &str, path: &str, expect: Result<(&str, &str), &str>| {
        let found = found(method, path).map(|(call, id)| (call.name, id)).map_err(|problem| problem.word);
        let expect = expect.map(|(name, id)| (name, id.to_owned()));
        assert_eq!(found, expect, "{method} {path}");
    };
    check("GET", "/reviews", Ok(("reviews", "")));
    check("GET", "/reviews/12", Ok(("review", "12")));
    check("POST", "/reviews/12", Err("wrong_method"));
    check("POST", "/reviews/12/decision", Ok(("review decide", "12")));
    check("GET", "/persons/2.999.1.11%5EA%2F7", Ok(("person", "2.999.1.11^A/7")));
    check("GET", "/persons/%FF", Err("malformed"));
    check("GET", "/persons/", Err("no_such_path"));
    check("POST", "/outbox/replay", Ok(("outbox replay", "")));
    check("GET", "/reviews/", Err("no_such_path"));
    check("GET", "", Err("no_such_path"));
}

#[test]
fn what_is_encoded_is_read_back() {
    for text in ["2.999.1.11^12345", "名 寄&せ=", "", "%", "a/b?c#d"] {
        assert_eq!(decoded(&encoded(text)).as_deref(), Some(text));
    }
    assert_eq!(decoded("%4"), None);
    assert_eq!(read_query("a=1&b=%20&c"), Some(["a", "b", "c"].into_iter().zip(["1", " ", ""]).map(owned).collect()));
    assert_eq!(read_query("a=%zz"), None);
}

fn owned((left, right): (&str, &str)) -> (String, String) {
    (left.to_owned(), right.to_owned())
}

#[test]
fn the_document_describes_every_call() {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let described: usize = paths.values().map(|path| path.as_object().unwrap().len()).sum();
    assert_eq!(described, CALLS.len());
    let names: std::collections::BTreeSet<&str> = CALLS.iter().map(|call| call.name).collect();
    assert_eq!(names.len(), CALLS.len(), "a name for each in the audit trail");
    let decide = &paths["/api/v1/reviews/{id}/decision"]["post"];
    assert_eq!(decide["requestBody"]["content"]["application/json"]["schema"]["required"], json!(["verdict"]));
    assert_eq!(
        document["components"]["schemas"]["Problem"]["properties"]["type"]["enum"].as_array().unwrap().len(),
        PROBLEMS.len()
    );
}
