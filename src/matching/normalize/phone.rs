//! Telephone numbers as national digits.

use super::fold;

/// The national digits of a number, empty where it is no usable number (too short, one digit over and over).
pub fn digits(text: &str) -> String {
    let folded = fold(text);
    let bare = folded.strip_prefix("tel:").or_else(|| folded.strip_prefix("fax:")).unwrap_or(&folded);
    let number = bare.split([';', 'x']).next().unwrap_or_default();
    let international = number.trim_start().starts_with('+');
    let all: String = number.replace("(0)", "").chars().filter(char::is_ascii_digit).collect();
    let national = match (international, all.strip_prefix("81"), all.strip_prefix("01081")) {
        (true, Some(rest), _) | (false, _, Some(rest)) => format!("0{}", rest.trim_start_matches('0')),
        _ => all,
    };
    if is_placeholder(&national) { String::new() } else { national }
}

fn is_placeholder(digits: &str) -> bool {
    let subscriber = digits.trim_start_matches('0');
    let mut rest = subscriber.chars();
    let first = rest.next();
    digits.len() < 7 || rest.all(|c| Some(c) == first) || digits.ends_with("0000000") || digits.ends_with("9999999")
}

/// The last nine digits, by which numbers are compared and filed.
pub fn tail(digits: &str) -> &str {
    digits.get(digits.len().saturating_sub(9)..).unwrap_or(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (text, expect) in [
            ("tel:+81-3-1234-5678", "0312345678"),
            ("０３（１２３４）５６７８", "0312345678"),
            ("+81 (0)90 1234 5678", "09012345678"),
            ("tel:090-1234-5678;ext=3", "09012345678"),
            ("0000000000", ""),
            ("090-0000-0000", ""),
            ("999-9999-9999", ""),
            ("12345", ""),
            ("(415) 555-2671", "4155552671"),
        ] {
            assert_eq!(digits(text), expect, "{text}");
        }
        assert_eq!(tail("09012345678"), "012345678");
    }
}
