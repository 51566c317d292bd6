//! IAM's shapes, `Input`, `Operations` and `service`, made by `build.rs` from
//! `models/iam/model.json`.

#![allow(non_upper_case_globals, clippy::all)]

include!(concat!(env!("OUT_DIR"), "/iam_model.rs"));

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use aws::schema::{Kind, Schema};

    /// Patterns that cannot be compiled match everything: none may go unnoticed.
    fn check(model: &aws::Model) {
        let mut left: Vec<&Schema> = model.operations.iter().map(|known| known.input).collect();
        let mut seen = HashSet::new();
        let mut patterns = 0;
        while let Some(schema) = left.pop() {
            if !seen.insert(std::ptr::from_ref(schema)) {
                continue;
            }
            if let Some(pattern) = schema.pattern {
                assert!(pattern.compiles(), "{}: {}", schema.name, pattern.text);
                patterns += 1;
            }
            match &schema.kind {
                Kind::List(list) => left.push(list.item),
                Kind::Map(map) => left.extend([map.key, map.value]),
                _ => left.extend(schema.members().iter().map(|member| member.schema)),
            }
        }
        assert!(patterns > 5, "{patterns} patterns");
    }

    #[test]
    fn every_pattern_of_an_input_is_one_that_is_checked() {
        check(&super::MODEL);
        check(&crate::sts::model::MODEL);
    }
}
