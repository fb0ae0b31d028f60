//! Who may use a server: names, tokens, and whose word counts.

use std::path::Path;

use crate::error::{Error, Result};

/// A user of a server.
#[derive(Clone, Debug)]
pub struct User {
    /// The name, which all names of his videos start with.
    pub name: String,
    /// Whether his word on what his lossy segments show counts for everybody.
    pub vouches: bool,
    /// BLAKE3 of the token.
    token: blake3::Hash,
}

/// All users of a server.
#[derive(Clone, Debug, Default)]
pub struct Users(Vec<User>);

/// Shorter tokens can be guessed.
const MIN_TOKEN: usize = 16;

impl Users {
    /// A single user, whose word counts.
    ///
    /// # Errors
    /// A token that is too short.
    pub fn single(name: &str, token: &str) -> Result<Users> {
        let mut users = Users::default();
        users.add(name, token, true).map_err(|reason| Error::Input { name: name.to_owned(), reason })?;
        Ok(users)
    }

    /// Reads a list of users: a name and a token a line, and the word `vouches` for those whose word counts for
    /// everybody. `#` starts a comment.
    ///
    /// # Errors
    /// [`Error::Line`], or the file cannot be read.
    pub fn read(path: &Path) -> Result<Users> {
        let text = std::fs::read_to_string(path).map_err(Error::io("read", path.display()))?;
        let mut users = Users::default();
        for (index, line) in text.lines().enumerate() {
            let failed =
                |reason: String| Error::Line { path: path.to_owned(), line: index as u64 + 1, reason };
            let words: Vec<&str> = line.split('#').next().unwrap_or("").split_whitespace().collect();
            match words.as_slice() {
                [] => {}
                [name, token] => users.add(name, token, false).map_err(failed)?,
                [name, token, "vouches"] => users.add(name, token, true).map_err(failed)?,
                _ => return Err(failed("expected: NAME TOKEN [vouches]".to_owned())),
            }
        }
        match users.0.is_empty() {
            true => Err(Error::Line { path: path.to_owned(), line: 1, reason: "no users".to_owned() }),
            false => Ok(users),
        }
    }

    fn add(&mut self, name: &str, token: &str, vouches: bool) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        if name.is_empty() || name.len() > 32 || !name.chars().all(plain) {
            return Err(format!("`{name}`: names of users are up to 32 of a-z, 0-9, - and _"));
        }
        if token.len() < MIN_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("the token of `{name}` needs {MIN_TOKEN} printable characters or more"));
        }
        let token = blake3::hash(token.as_bytes());
        if self.0.iter().any(|user| user.name == name || user.token == token) {
            return Err(format!("`{name}`: that name or token is there already"));
        }
        self.0.push(User { name: name.to_owned(), vouches, token });
        Ok(())
    }

    /// The user with this token. Takes the same time for all tokens of a length: hashes are compared, each in constant
    /// time, and all of them.
    pub(crate) fn of_token(&self, token: &str) -> Option<&User> {
        let token = blake3::hash(token.as_bytes());
        self.0.iter().fold(None, |found, user| if user.token == token { Some(user) } else { found })
    }

    /// Whether there is a user of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|user| user.name == name)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_users() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Users::read(&path)
        };
        let users = read("# us\nann 0123456789abcdef vouches\n\nbob 0123456789abcdeg # new\n").unwrap();
        assert_eq!(users.of_token("0123456789abcdef").map(|user| user.vouches), Some(true));
        assert_eq!(users.of_token("0123456789abcdeg").map(|user| user.name.as_str()), Some("bob"));
        assert!(users.of_token("0123456789abcdeh").is_none() && users.of_token("").is_none());
        for (text, line) in [
            ("", 1),
            ("ann short", 1),
            ("ann 0123456789abcdef\nann 0123456789abcdeg", 2),
            ("ann 0123456789abcdef\nbob 0123456789abcdef", 2),
            ("../ann 0123456789abcdef", 1),
            ("ann 0123456789abcdef trusted", 1),
        ] {
            let Err(Error::Line { line: found, .. }) = read(text) else { panic!("{text}") };
            assert_eq!(found, line, "{text}");
        }
    }
}
