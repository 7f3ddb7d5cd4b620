//! The policy file of `--policy`: the grants, refusals and limits of the command line, written down
//! (spec/capabilities.md, "Policy files").
//!
//! Each key is the flag of the same name, and its values are the flag's: there is one syntax to know. What is not
//! known is refused with its place, since a misspelt refusal would be none.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use zero_format::Problem;

use crate::cli::{
    DenyHttpFlag, DenyNetFlag, FsFlag, GrantArgs, parse_count, parse_duration, parse_size,
};
use crate::disk;

const MAX_FILE: u64 = 1 << 20;

type Item<'i> = Spanned<DeValue<'i>>;

/// Why a policy file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// It says something that this version does not understand. Nothing of it is used.
    #[error("understand the policy {}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, in the order of the file.
        problems: Vec<Problem>,
    },
    /// It cannot be read.
    #[error("read the policy {}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl PolicyError {
    /// The mistakes in the file with their lines, for a person.
    pub fn details(&self) -> Option<String> {
        let Self::Content { path, problems } = self else {
            return None;
        };
        let shown = path.display().to_string();
        let rendered: Vec<String> = problems.iter().map(|one| one.render(&shown)).collect();
        Some(rendered.join("\n"))
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Content { .. } => {
                Some("nothing of the file was used: correct it, then run again".to_owned())
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Some("--policy takes the path of a TOML file".to_owned())
            }
            Self::Io { .. } => None,
        }
    }

    /// The exit code that stands for this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Content { .. } => crate::exit::USAGE,
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                crate::exit::NOT_FOUND
            }
            Self::Io { .. } => crate::exit::FAILED,
        }
    }
}

/// Reads a policy file as the flags that it stands for. Relative paths in it start from its own folder.
pub(crate) fn load(path: &Path) -> Result<GrantArgs, PolicyError> {
    let failed = |source| PolicyError::Io {
        path: path.to_owned(),
        source,
    };
    let bytes = disk::read_bounded(path, MAX_FILE)
        .map_err(failed)?
        .ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
    let text = String::from_utf8(bytes)
        .map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidData, error)))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    parse(&text, folder).map_err(|problems| PolicyError::Content {
        path: path.to_owned(),
        problems,
    })
}

fn parse(text: &str, folder: &Path) -> Result<GrantArgs, Vec<Problem>> {
    let document = DeTable::parse(text).map_err(|error| {
        let message = error.message().trim().replace('\n', ", ");
        vec![Problem::new(text, error.span().unwrap_or(0..0), message)]
    })?;
    let mut reader = Reader {
        text,
        problems: Vec::new(),
    };
    let mut flags = GrantArgs::default();
    let document = document.get_ref();
    reader.known(document, "a policy", &["allow", "deny", "limits", "strict"]);
    reader.section(document, "allow", |reader, table| {
        allow(reader, table, folder, &mut flags);
    });
    reader.section(document, "deny", |reader, table| {
        deny(reader, table, &mut flags);
    });
    reader.section(document, "limits", |reader, table| {
        limits(reader, table, &mut flags);
    });
    flags.strict = reader.switch(document, "strict");
    if reader.problems.is_empty() {
        return Ok(flags);
    }
    reader.problems.sort_by_key(|one| one.span.start);
    Err(reader.problems)
}

fn allow(reader: &mut Reader<'_>, table: &DeTable<'_>, folder: &Path, flags: &mut GrantArgs) {
    let keys = ["fs", "net", "http", "env", "clock", "random", "declared"];
    reader.known(table, "[allow]", &keys);
    flags.allow_fs = reader.list(table, "fs");
    for FsFlag { host, .. } in &mut flags.allow_fs {
        *host = folder.join(&*host);
    }
    flags.allow_net = reader.list(table, "net");
    flags.allow_http = reader.list(table, "http");
    flags.allow_env = reader.list(table, "env");
    flags.allow_clock = reader.switch(table, "clock");
    flags.allow_random = reader.switch(table, "random");
    flags.allow_declared = reader.switch(table, "declared");
}

fn deny(reader: &mut Reader<'_>, table: &DeTable<'_>, flags: &mut GrantArgs) {
    let keys = ["fs", "net", "http", "env", "clock", "random"];
    reader.known(table, "[deny]", &keys);
    let args = |text: &str| match text {
        "args" => Ok(text.to_owned()),
        _ => Err("write `true`, or `\"args\"` for the files named on the command line".to_owned()),
    };
    flags.deny_fs = reader.all_or(table, "fs", args);
    flags.deny_net = reader.all_or(table, "net", DenyNetFlag::from_str);
    flags.deny_http = reader.all_or(table, "http", DenyHttpFlag::from_str);
    flags.deny_env = reader.all_or(table, "env", |text| Ok(text.to_owned()));
    flags.deny_clock = reader.switch(table, "clock");
    flags.deny_random = reader.switch(table, "random");
}

fn limits(reader: &mut Reader<'_>, table: &DeTable<'_>, flags: &mut GrantArgs) {
    reader.known(
        table,
        "[limits]",
        &["memory", "time", "output", "write", "handles", "fuel"],
    );
    flags.limit_memory = reader.quantity(table, "memory", parse_size);
    flags.limit_output = reader.quantity(table, "output", parse_size);
    flags.limit_write = reader.quantity(table, "write", parse_size);
    flags.limit_handles = reader.quantity(table, "handles", parse_count);
    flags.limit_time = reader.quantity::<Duration>(table, "time", parse_duration);
    flags.limit_fuel = reader.quantity(table, "fuel", parse_count);
}

/// Walks the document and collects what is wrong.
struct Reader<'t> {
    text: &'t str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn fault(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.problems
            .push(Problem::new(self.text, span, message.into()));
    }

    fn known(&mut self, table: &DeTable<'_>, place: &str, known: &[&str]) {
        for key in table.keys() {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) {
                let message = format!(
                    "unknown key `{}`: {place} has {}",
                    name.escape_debug(),
                    known.join(", ")
                );
                self.fault(key.span(), message);
            }
        }
    }

    fn section(
        &mut self,
        document: &DeTable<'_>,
        name: &str,
        read: impl FnOnce(&mut Self, &DeTable<'_>),
    ) {
        let Some(item) = document.get(name) else {
            return;
        };
        match item.get_ref().as_table() {
            Some(table) => read(self, table),
            None => self.fault(item.span(), format!("write it as a section: `[{name}]`")),
        }
    }

    fn switch(&mut self, table: &DeTable<'_>, key: &str) -> bool {
        let Some(item) = table.get(key) else {
            return false;
        };
        item.get_ref().as_bool().unwrap_or_else(|| {
            self.fault(item.span(), format!("`{key}` is `true` or `false`"));
            false
        })
    }

    /// Strings, each the value of a flag; one may stand without a list around it.
    fn list<T: FromStr<Err: ToString>>(&mut self, table: &DeTable<'_>, key: &str) -> Vec<T> {
        let Some(item) = table.get(key) else {
            return Vec::new();
        };
        self.values(item, key, |text| {
            text.parse().map_err(|error: T::Err| error.to_string())
        })
    }

    fn values<T>(
        &mut self,
        item: &Item<'_>,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let items = match item.get_ref().as_array() {
            Some(array) => array.iter().collect(),
            None => vec![item],
        };
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            match item.get_ref().as_str().map(&parse) {
                Some(Ok(value)) => values.push(value),
                Some(Err(why)) => self.fault(item.span(), why),
                None => self.fault(
                    item.span(),
                    format!("`{key}` is a string, or a list of strings"),
                ),
            }
        }
        values
    }

    /// `true` refuses the whole kind, as the flag without a value does; else single scopes.
    fn all_or<T: FromStr<Err = impl ToString>>(
        &mut self,
        table: &DeTable<'_>,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let Some(item) = table.get(key) else {
            return Vec::new();
        };
        match item.get_ref().as_bool() {
            Some(true) => T::from_str("").into_iter().collect(),
            Some(false) => Vec::new(),
            None => {
                // The empty value is the whole kind: that is said with `true` here.
                let parse = |text: &str| match text {
                    "" => Err(format!(
                        "`{key}` is empty: write `true` to refuse all of it"
                    )),
                    text => parse(text),
                };
                self.values(item, key, parse)
            }
        }
    }

    fn quantity<T>(
        &mut self,
        table: &DeTable<'_>,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let item = table.get(key)?;
        let text = match item.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.to_string(),
            _ => {
                self.fault(
                    item.span(),
                    format!("`{key}` is a number, or a string with a unit"),
                );
                return None;
            }
        };
        match parse(&text) {
            Ok(value) => Some(value),
            Err(why) => {
                self.fault(item.span(), why);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use zero_format::Access;

    use super::*;
    use crate::policy::{Refusal, Rule};

    fn faults(text: &str) -> Vec<(usize, usize, String)> {
        let problems = parse(text, Path::new("")).unwrap_err();
        let place = |one: Problem| (one.line, one.column, one.message);
        problems.into_iter().map(place).collect()
    }

    #[test]
    fn a_policy_says_what_the_flags_say() {
        let flags = parse(
            r#"
            strict = true
            [allow]
            fs = ["data:rw=/data", "/srv/in"]
            net = "api.example.org:443"
            env = ["LANG", "MODE=ci"]
            clock = true
            [deny]
            net = ["10.0.0.0/8"]
            env = true
            random = true
            [limits]
            memory = "256 MiB"
            time = "30 s"
            output = 1024
            fuel = 5_000
            "#,
            Path::new("/ci"),
        )
        .unwrap();
        let asked = flags.asked();
        let data = Rule::Fs {
            host: PathBuf::from("/ci/data"),
            guest: Some("/data".parse().unwrap()),
            access: Access::ReadWrite,
        };
        assert_eq!(asked.allow.first(), Some(&data));
        assert_eq!(asked.allow.len(), 6);
        assert!(asked.deny.contains(&Refusal::Env) && asked.deny.contains(&Refusal::Random));
        let ceiling = flags.ceiling();
        assert_eq!(ceiling.memory, Some(256 << 20));
        assert_eq!(ceiling.time, Some(Duration::from_secs(30)));
        assert_eq!((ceiling.output, ceiling.fuel), (Some(1024), Some(5000)));
        assert!(flags.strict);
    }

    #[test]
    fn what_is_not_known_is_refused_with_its_place() {
        assert_eq!(
            faults("[allow]\nnet = \"a\"\n[denny]\nfs = true\n"),
            [(
                3,
                2,
                "unknown key `denny`: a policy has allow, deny, limits, strict".to_owned()
            )]
        );
        let all = faults(
            "[allow]\nnett = \"a\"\nnet = [\"a:0\"]\nclock = \"yes\"\n[deny]\nfs = \"all\"\nnet = \"\"\n[limits]\ntime = true\n",
        );
        let places: Vec<_> = all
            .iter()
            .map(|(line, column, _)| (*line, *column))
            .collect();
        assert_eq!(places, [(2, 1), (3, 8), (4, 9), (6, 6), (7, 7), (9, 8)]);
    }

    #[test]
    fn broken_toml_is_a_fault_and_not_a_panic() {
        for text in [
            "[allow",
            "allow = 3",
            "\u{0}",
            "[allow]\nnet = [1]",
            "strict = 1",
        ] {
            assert_eq!(faults(text).len(), 1, "{text:?}");
        }
    }

    #[test]
    fn a_missing_file_is_told_from_an_unreadable_one() {
        let dir = tempfile::tempdir().unwrap();
        let absent = load(&dir.path().join("absent")).unwrap_err();
        assert_eq!(absent.exit_code(), crate::exit::NOT_FOUND);
        let folder = load(dir.path()).unwrap_err();
        assert_eq!(folder.exit_code(), crate::exit::FAILED);
    }
}
