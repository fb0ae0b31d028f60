//! What programs said, a line of JSON each, written as soon as it was said: a run that is interrupted asks nothing twice.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::program::{Answer, Program, Question};
use crate::error::{Error, Result};

/// A journal of answers.
pub struct Answers {
    path: PathBuf,
    file: File,
    known: HashMap<(String, String, String), String>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    command: String,
    scene: String,
    #[serde(default)]
    caption: String,
    said: String,
}

impl Answers {
    /// Opens or begins a journal.
    ///
    /// # Errors
    /// It cannot be read or written, or has a line that is none of ours and not the last.
    pub fn open(path: &Path) -> Result<Answers> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path);
        let file = file.map_err(Error::io("open", path))?;
        let text = std::fs::read(path).map_err(Error::io("read", path))?;
        // A line that is not ended was being written when the program was killed.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        file.set_len(whole as u64).map_err(Error::io("write", path))?;
        let mut known = HashMap::new();
        let lines = text[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        for (at, line) in lines.enumerate() {
            let line: Line = serde_json::from_slice(line).map_err(|error| Error::Line {
                path: path.to_owned(),
                line: at as u64 + 1,
                reason: format!("{error}: remove the line to ask again"),
            })?;
            known.insert((line.command, line.scene, line.caption), line.said);
        }
        Ok(Answers { path: path.to_owned(), file, known })
    }

    /// What a program says of a scene: what it said before, or what it says now. What it failed to answer is asked again
    /// next time.
    ///
    /// # Errors
    /// The answer cannot be written down.
    pub fn ask(&mut self, program: &Program, question: &Question) -> Result<Answer> {
        let scene = question.scene.id();
        let key = (program.command.clone(), scene.clone(), question.caption.to_owned());
        if let Some(said) = self.known.get(&key) {
            return Ok(Ok(said.clone()));
        }
        let answer = program.ask(question);
        if let Ok(said) = &answer {
            let line = Line { command: key.0.clone(), scene, caption: key.2.clone(), said: said.clone() };
            let mut text =
                serde_json::to_string(&line).map_err(|error| Error::Ranker { reason: error.to_string() })?;
            text.push('\n');
            self.file.write_all(text.as_bytes()).map_err(Error::io("write", &self.path))?;
            self.known.insert(key, said.clone());
        }
        Ok(answer)
    }
}
