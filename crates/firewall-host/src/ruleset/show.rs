//! How is a rule shown to a person? Close to what `nft list` prints, so that it can be found there.

use serde_json::Value;

/// The parts of a rule.
pub(super) fn rule(parts: &[Value]) -> String {
    let told: Vec<String> = parts.iter().map(statement).filter(|words| !words.is_empty()).collect();
    told.join(" ")
}

fn statement(part: &Value) -> String {
    let Some((name, about)) = part.as_object().and_then(|object| object.iter().next()) else {
        return String::new();
    };
    match name.as_str() {
        "match" => test(about),
        "counter" => String::new(),
        "vmap" => format!("{} vmap {}", value(&about["key"]), value(&about["data"])),
        "jump" | "goto" => format!("{name} {}", value(&about["target"])),
        "limit" => format!("limit rate {}/{}", value(&about["rate"]), value(&about["per"])),
        "xt" => format!("xt {}", value(&about["name"])),
        _ => name.clone(),
    }
}

/// `tcp dport 21`.
pub(super) fn test(about: &Value) -> String {
    let op = match about["op"].as_str() {
        Some(op @ ("!=" | "<" | ">" | "<=" | ">=")) => format!("{op} "),
        _ => String::new(),
    };
    format!("{} {op}{}", value(&about["left"]), value(&about["right"]))
}

pub(super) fn value(of: &Value) -> String {
    match of {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(value).collect::<Vec<_>>().join(","),
        Value::Object(object) => match object.iter().next() {
            Some((name, about)) => match name.as_str() {
                "payload" => format!("{} {}", value(&about["protocol"]), value(&about["field"])),
                "meta" => value(&about["key"]),
                "ct" => format!("ct {}", value(&about["key"])),
                "prefix" => format!("{}/{}", value(&about["addr"]), value(&about["len"])),
                "range" => about
                    .as_array()
                    .map_or_else(String::new, |ends| ends.iter().map(value).collect::<Vec<_>>().join("-")),
                "set" => format!("{{ {} }}", value(about).replace(',', ", ")),
                "elem" => value(&about["val"]),
                "concat" => about.as_array().map_or_else(String::new, |parts| {
                    parts.iter().map(value).collect::<Vec<_>>().join(" . ")
                }),
                "&" => about.as_array().map_or_else(String::new, |sides| {
                    sides.iter().map(value).collect::<Vec<_>>().join(" & ")
                }),
                "jump" | "goto" => format!("{name} {}", value(&about["target"])),
                _ => name.clone(),
            },
            None => String::new(),
        },
        other => other.to_string(),
    }
}
