//! Changing one section of the AWS CLI's files and nothing else in them.
//! <https://docs.aws.amazon.com/cli/v1/userguide/cli-configure-files.html>

/// The file's text with `settings` in `[section]`: values replaced where they are, added
/// where they are not, removed where the new value is `None`. Other lines stay as they are.
pub fn with_section(file: &str, section: &str, settings: &[(&str, Option<&str>)]) -> String {
    let mut lines: Vec<String> = file.lines().map(str::to_owned).collect();
    let head = lines.iter().position(|line| head_of(line) == Some(section));
    let Some(head) = head else {
        if lines.last().is_some_and(|line| !line.trim().is_empty()) {
            lines.push(String::new());
        }
        lines.push(format!("[{section}]"));
        lines.extend(settings.iter().filter_map(|(key, value)| setting(key, *value)));
        return lines.join("\n") + "\n";
    };
    for (key, value) in settings {
        let end = (head + 1..lines.len())
            .find(|at| head_of(&lines[*at]).is_some())
            .unwrap_or(lines.len());
        let old = (head + 1..end).find(|at| key_of(&lines[*at]) == Some(key));
        match (old, setting(key, *value)) {
            (Some(at), Some(line)) => lines[at] = line,
            (Some(at), None) => {
                lines.remove(at);
            }
            (None, Some(line)) => {
                let blank = |at: &usize| lines[*at].trim().is_empty();
                let after = (head + 1..end).rev().take_while(blank).count();
                lines.insert(end - after, line);
            }
            (None, None) => {}
        }
    }
    lines.join("\n") + "\n"
}

fn setting(key: &str, value: Option<&str>) -> Option<String> {
    value.map(|value| format!("{key} = {value}"))
}

fn head_of(line: &str) -> Option<&str> {
    let (name, _comment) = line.trim_end().strip_prefix('[')?.split_once(']')?;
    Some(name.trim())
}

/// `None` for comments and for nested values, which are indented.
fn key_of(line: &str) -> Option<&str> {
    if line.starts_with(char::is_whitespace) || line.starts_with(['#', ';']) {
        return None;
    }
    line.split_once('=').map(|(key, _)| key.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: [(&str, Option<&str>); 3] =
        [("region", Some("us-east-1")), ("endpoint_url", Some("http://x")), ("token", None)];

    fn check(before: &str, after: &str) {
        let changed = with_section(before, "profile h", &SETTINGS);
        assert_eq!(changed, after);
        assert_eq!(with_section(&changed, "profile h", &SETTINGS), after, "again");
    }

    #[test]
    fn a_section_is_added_at_the_end() {
        let new = "[profile h]\nregion = us-east-1\nendpoint_url = http://x\n";
        check("", new);
        check("[default]\nregion=a\n", &format!("[default]\nregion=a\n\n{new}"));
    }

    #[test]
    fn only_the_section_s_own_settings_change() {
        check(
            "# mine\n[profile h]\ntoken = t\n# note\ns3 =\n  region = nested\nregion=old\n\n[profile hh]\nregion = other\n",
            "# mine\n[profile h]\n# note\ns3 =\n  region = nested\nregion = us-east-1\nendpoint_url = http://x\n\n[profile hh]\nregion = other\n",
        );
    }
}
