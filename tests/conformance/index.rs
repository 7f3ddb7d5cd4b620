//! Reading `spec/vectors/<area>/index.json`, and judging every vector that it lists.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The areas, each of which has a test of its own.
const AREAS: [&str; 16] = [
    "artifact",
    "capability",
    "chain",
    "head",
    "import",
    "key",
    "log",
    "manifest",
    "map",
    "metadata",
    "minisig",
    "name",
    "registry",
    "resolve",
    "root",
    "version",
];

/// One line of an index.
#[derive(Debug, Deserialize)]
pub(crate) struct Vector {
    /// The file that is judged; some areas need none, or several that `more` names.
    pub(crate) file: Option<String>,
    /// `ok`, or the class of the failure.
    pub(crate) expect: String,
    /// The section of the specification that it belongs to.
    section: String,
    /// What it shows.
    shows: String,
    /// What only its area knows.
    #[serde(flatten)]
    more: Map<String, Value>,
}

#[derive(Deserialize)]
struct Index {
    spec: String,
    vectors: Vec<Vector>,
}

impl Vector {
    /// A name for reports.
    pub(crate) fn name(&self) -> &str {
        self.file.as_deref().unwrap_or(&self.shows)
    }

    /// Whether it must be accepted.
    pub(crate) fn is_good(&self) -> bool {
        self.expect == "ok"
    }

    /// A member that every vector of the area has.
    pub(crate) fn get<T: DeserializeOwned>(&self, member: &str) -> T {
        self.find(member)
            .unwrap_or_else(|| panic!("{}: no member {member}", self.name()))
    }

    /// A member that some vectors of the area have.
    pub(crate) fn find<T: DeserializeOwned>(&self, member: &str) -> Option<T> {
        let value = self.more.get(member)?.clone();
        match serde_json::from_value(value) {
            Ok(value) => Some(value),
            Err(error) => panic!("{}: {member}: {error}", self.name()),
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/vectors")
}

/// A file of an area.
pub(crate) fn read(area: &str, file: &str) -> Vec<u8> {
    let path = folder().join(area).join(file);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A file of an area that is text.
pub(crate) fn read_text(area: &str, file: &str) -> String {
    String::from_utf8(read(area, file)).expect("UTF-8")
}

/// The folder of an area.
pub(crate) fn area(area: &str) -> PathBuf {
    folder().join(area)
}

/// The vectors of an area.
pub(crate) fn vectors(area: &str) -> Vec<Vector> {
    index(area).vectors
}

fn index(area: &str) -> Index {
    serde_json::from_slice(&read(area, "index.json")).expect("an index")
}

/// Judges each vector: `judge` accepts it, or names the class of its failure.
pub(crate) fn check(vectors: &[Vector], judge: impl Fn(&Vector) -> Result<(), String>) {
    let mut wrong = Vec::new();
    for vector in vectors {
        let found = judge(vector).err().unwrap_or_else(|| "ok".to_owned());
        if found != vector.expect {
            let (name, shows, expect) = (vector.name(), &vector.shows, &vector.expect);
            wrong.push(format!("{name} ({shows}): {found}, expected {expect}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(!vectors.is_empty());
}

#[test]
fn every_area_has_a_test() {
    let folders: BTreeSet<String> = fs::read_dir(folder())
        .expect("the folder of vectors")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !matches!(name.as_str(), "gen" | "generate.py" | "third-party"))
        .collect();
    assert_eq!(folders, AREAS.map(ToOwned::to_owned).into());
}

#[test]
fn every_vector_belongs_to_a_section_of_its_specification() {
    for area in AREAS {
        let index = index(area);
        let spec = folder().join("../..").join(&index.spec);
        let spec = fs::read_to_string(&spec).unwrap_or_else(|_| panic!("{}", index.spec));
        for vector in &index.vectors {
            let section = &vector.section;
            let found = spec.lines().any(|line| {
                let title = line.trim_start_matches('#');
                title.len() < line.len()
                    && (title.trim() == section || title.starts_with(&format!(" {section}.")))
            });
            assert!(found, "{}: {section} of {}", vector.name(), index.spec);
        }
    }
}

/// The pages show parts of vectors: what they print must be there.
#[test]
fn the_worked_example_of_the_registry_is_the_vector() {
    let spec = fs::read_to_string(folder().join("../registry.md")).expect("spec/registry.md");
    let (_, example) = spec.split_once("## Worked example").expect("an example");
    let (example, _) = example.split_once("\n## ").expect("an end");
    let shown = example.split("```").skip(1).step_by(2).flat_map(str::lines);
    let base: Vec<String> = files("registry")
        .into_iter()
        .filter(|name| name.starts_with("base/"))
        .map(|name| String::from_utf8_lossy(&read("registry", &name)).into_owned())
        .collect();
    for line in shown.filter(|line| !line.is_empty()) {
        let start = line.split('…').next().unwrap_or(line);
        // Snapshots lie in base64, and bodies of events as JSON strings.
        let escaped = start.replace('"', "\\\"");
        let found = base
            .iter()
            .any(|text| text.contains(start) || text.contains(&escaped));
        assert!(found, "{line}");
    }
}

/// Every file of an area, by its path below it.
pub(crate) fn files(area: &str) -> BTreeSet<String> {
    let root = folder().join(area);
    let mut found = BTreeSet::new();
    let mut open = vec![root.clone()];
    while let Some(place) = open.pop() {
        for entry in fs::read_dir(&place).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if let Ok(path) = path.strip_prefix(&root) {
                found.insert(path.to_str().expect("UTF-8").replace('\\', "/"));
            }
        }
    }
    found
}
