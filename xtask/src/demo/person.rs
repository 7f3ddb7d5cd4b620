//! Somebody at a terminal: a working folder, a `ZERO_HOME` of their own, and commands with known outcomes.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Context as _;
use crate::{Failure, Host, Result, shell};

/// What a command must do.
pub(super) struct Expect {
    code: Option<i32>,
    says: Vec<&'static str>,
}

impl Expect {
    /// It must end with this exit code.
    pub(super) fn code(code: i32) -> Self {
        Self {
            code: Some(code),
            says: Vec::new(),
        }
    }

    /// It must fail, with a code of the program's own choice.
    pub(super) fn failure() -> Self {
        Self {
            code: None,
            says: Vec::new(),
        }
    }

    /// Its output must contain this.
    pub(super) fn says(mut self, text: &'static str) -> Self {
        self.says.push(text);
        self
    }

    fn check(&self, line: &str, code: Option<i32>, said: &str) -> Result<()> {
        let right = match self.code {
            Some(expected) => code == Some(expected),
            None => code.is_some_and(|c| c != 0),
        };
        if !right {
            let expected = self
                .code
                .map_or("another code than 0".to_owned(), |c| c.to_string());
            let got = code.map_or("a signal".to_owned(), |c| c.to_string());
            return Err(Failure::new(format!(
                "{line}: exit code {got}, expected {expected}"
            )));
        }
        match self.says.iter().find(|text| !said.contains(**text)) {
            Some(text) => Err(Failure::new(format!(
                "{line}: its output does not say \"{text}\""
            ))),
            None => Ok(()),
        }
    }
}

/// Somebody at a terminal.
pub(super) struct Person {
    name: &'static str,
    dir: PathBuf,
    home: PathBuf,
    host: Host,
}

impl Person {
    /// A new person with an empty folder and an empty home below `scratch`.
    pub(super) fn new(host: &Host, name: &'static str, scratch: &Path) -> Result<Self> {
        let dir = scratch.join(name);
        let home = dir.join(".zero");
        fs::create_dir_all(&home).context(|| format!("create {}", home.display()))?;
        Ok(Self {
            name,
            dir,
            home,
            host: host.clone(),
        })
    }

    /// The same person in a folder below.
    pub(super) fn at(&self, folder: &str) -> Self {
        Self {
            name: self.name,
            dir: self.dir.join(folder),
            home: self.home.clone(),
            host: self.host.clone(),
        }
    }

    /// Where this person is.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Types a command, shows what it prints, and checks the outcome. Returns stdout and stderr as one text.
    pub(super) fn does(&self, words: &[&str], expect: &Expect) -> Result<String> {
        let (program, args) = words
            .split_first()
            .ok_or_else(|| Failure::new("an empty command"))?;
        let mut command = Command::new(program);
        command.args(args);
        let line = shell::shown(&command);
        println!("{}$ {line}", self.name);
        let (mut reader, writer) = std::io::pipe().context(|| "create a pipe".to_owned())?;
        let second = writer.try_clone().context(|| "create a pipe".to_owned())?;
        self.host
            .as_user(&mut command, &self.home, &self.host.debug())?;
        command.current_dir(&self.dir).stdout(writer).stderr(second);
        let mut child = command.spawn().context(|| format!("start {line}"))?;
        // The command holds the pipe's other ends; reading ends when the last one is closed.
        drop(command);
        let mut said = String::new();
        reader
            .read_to_string(&mut said)
            .context(|| format!("read what {line} prints"))?;
        let status = child.wait().context(|| format!("wait for {line}"))?;
        print!("{said}");
        if let Some(code) = status.code().filter(|c| *c != 0) {
            println!("(exit code {code})");
        }
        println!();
        expect.check(&line, status.code(), &said)?;
        Ok(said)
    }
}
