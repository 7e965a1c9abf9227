//! People, their sessions, tokens and set-up links. Secrets come in as hashes: this room never sees one.
//!
//! Not here: how a password is hashed, what a role may do.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::audit::Deed;
use crate::book::{Book, By, instant, optional_instant};
use crate::error::BookError;

/// A person who may sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The name, unique.
    pub name: String,
    /// What he or she may do, in a word.
    pub role: String,
    /// Whose machines a customer sees.
    pub owner: Option<String>,
    /// The password's hash with its parameters (PHC string); `None` before the first is set.
    pub password_hash: Option<String>,
    /// Signed out for good, but still in the records.
    pub disabled: bool,
    /// Since when.
    pub at: Timestamp,
}

/// Somebody signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who.
    pub person: String,
    /// Since when.
    pub at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
}

/// A token for programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Its number.
    pub id: u64,
    /// Whose.
    pub person: String,
    /// What it is for.
    pub name: String,
    /// What it may do, in words.
    pub scopes: Vec<String>,
    /// Since when.
    pub at: Timestamp,
    /// Until when; `None`: until it is revoked.
    pub expires_at: Option<Timestamp>,
    /// Revoked then.
    pub revoked_at: Option<Timestamp>,
}

/// A link by which a person sets a first password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupLink {
    /// For whom.
    pub person: String,
    /// In which role.
    pub role: String,
    /// Whose machines a customer sees.
    pub owner: Option<String>,
    /// Until when.
    pub expires_at: Timestamp,
}

fn person(row: &Row<'_>) -> Result<Person, BookError> {
    Ok(Person {
        name: row.get(0)?,
        role: row.get(1)?,
        password_hash: row.get(2)?,
        disabled: row.get(3)?,
        at: instant(row.get(4)?)?,
        owner: row.get(5)?,
    })
}

const PERSON: &str = "SELECT name, role, password_hash, disabled, at, owner FROM person";
const TOKEN: &str = "SELECT id, person, name, scopes, at, expires_at, revoked_at FROM api_token";

fn token(row: &Row<'_>) -> Result<ApiToken, BookError> {
    Ok(ApiToken {
        id: row.get::<_, i64>(0)?.cast_unsigned(),
        person: row.get(1)?,
        name: row.get(2)?,
        scopes: row.get::<_, String>(3)?.split_whitespace().map(str::to_owned).collect(),
        at: instant(row.get(4)?)?,
        expires_at: optional_instant(row.get(5)?)?,
        revoked_at: optional_instant(row.get(6)?)?,
    })
}

/// Ends every link of a person that was not used.
fn end_links(connection: &Connection, person: &str, at: Timestamp) -> Result<(), BookError> {
    connection.execute(
        "UPDATE setup_link SET used_at = ?2 WHERE person = ?1 AND used_at IS NULL",
        [person, &at.to_string()],
    )?;
    Ok(())
}

impl Book {
    /// Adds a person. Says whether the name was free.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn add_person<'a>(&self, new: &Person, by: impl Into<By<'a>>) -> Result<bool, BookError> {
        let by = by.into();
        let why = by.told(&format!("role {}", new.role));
        let deed = Deed { who: by.who, what: "person added", subject: &new.name, why: &why };
        let added = self.change_if(new.at, &deed, |connection| {
            let added = connection.execute(
                "INSERT INTO person (name, role, password_hash, disabled, at, owner) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (name) DO NOTHING",
                params![new.name, new.role, new.password_hash, new.disabled, new.at.to_string(), new.owner],
            )?;
            Ok((added > 0).then_some(()))
        })?;
        Ok(added.is_some())
    }

    /// One person.
    ///
    /// # Errors
    /// If the book could not be read.
    pub fn person(&self, name: &str) -> Result<Option<Person>, BookError> {
        let connection = self.connection();
        let mut query = connection.prepare_cached(&format!("{PERSON} WHERE name = ?1"))?;
        let mut rows = query.query([name])?;
        rows.next()?.map(person).transpose()
    }

    /// All people, by name.
    ///
    /// # Errors
    /// If the book could not be read.
    pub fn people(&self) -> Result<Vec<Person>, BookError> {
        let connection = self.connection();
        let mut query = connection.prepare(&format!("{PERSON} ORDER BY name"))?;
        let mut rows = query.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(person(row)?);
        }
        Ok(found)
    }

    /// Changes what is set. Says whether there is such a person.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn change_person<'a>(
        &self,
        name: &str,
        change: &PersonChange<'_>,
        at: Timestamp,
        by: impl Into<By<'a>>,
    ) -> Result<bool, BookError> {
        let by = by.into();
        let why = by.told(&change.told());
        let deed = Deed { who: by.who, what: "person changed", subject: name, why: &why };
        let changed = self.change_if(at, &deed, |connection| {
            let changed = connection.execute(
                "UPDATE person SET role = coalesce(?2, role), password_hash = coalesce(?3, password_hash),
                     disabled = coalesce(?4, disabled) WHERE name = ?1",
                params![name, change.role, change.password_hash, change.disabled],
            )?;
            if change.password_hash.is_some() || change.disabled == Some(true) {
                connection.execute("DELETE FROM session WHERE person = ?1", [name])?;
                end_links(connection, name, at)?;
            }
            Ok((changed > 0).then_some(()))
        })?;
        Ok(changed.is_some())
    }

    /// Begins a session under the hash of its secret.
    ///
    /// # Errors
    /// If it could not be written; an unknown person among that.
    pub fn begin_session(&self, hash: &[u8], session: &Session) -> Result<(), BookError> {
        let deed = Deed { who: &session.person, what: "signed in", subject: &session.person, why: "" };
        self.change(session.at, &deed, |connection| {
            connection.execute("DELETE FROM session WHERE expires_at <= ?1", [session.at.to_string()])?;
            connection.execute(
                "INSERT INTO session (hash, person, at, expires_at) VALUES (?1, ?2, ?3, ?4)",
                params![hash, session.person, session.at.to_string(), session.expires_at.to_string()],
            )?;
            Ok(())
        })?;
        Ok(())
    }

    /// The session of this hash that is not over, whose person is not disabled.
    ///
    /// # Errors
    /// If the book could not be read.
    pub fn session(&self, hash: &[u8], at: Timestamp) -> Result<Option<(Session, Person)>, BookError> {
        let row = self
            .connection()
            .prepare_cached("SELECT person, at, expires_at FROM session WHERE hash = ?1")?
            .query_row([hash], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((name, since, expires_at)) = row else { return Ok(None) };
        let session = Session { person: name, at: instant(since)?, expires_at: instant(expires_at)? };
        if at >= session.expires_at {
            return Ok(None);
        }
        Ok(self.person(&session.person)?.filter(|person| !person.disabled).map(|person| (session, person)))
    }

    /// Ends a session. Says whether there was one.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn end_session(&self, hash: &[u8]) -> Result<bool, BookError> {
        Ok(self.connection().execute("DELETE FROM session WHERE hash = ?1", [hash])? > 0)
    }

    /// Adds a token under its hash and gives it its number; the `id` handed in is not looked at.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn add_token<'a>(
        &self,
        hash: &[u8],
        new: &ApiToken,
        by: impl Into<By<'a>>,
    ) -> Result<u64, BookError> {
        let by = by.into();
        let (scopes, subject) = (new.scopes.join(" "), format!("{} of {}", new.name, new.person));
        let why = by.told(&scopes);
        let deed = Deed { who: by.who, what: "token added", subject: &subject, why: &why };
        let (id, _) = self.change(new.at, &deed, |connection| {
            connection.execute(
                "INSERT INTO api_token (hash, person, name, scopes, at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    hash,
                    new.person,
                    new.name,
                    scopes,
                    new.at.to_string(),
                    new.expires_at.map(|at| at.to_string())
                ],
            )?;
            Ok(connection.last_insert_rowid().cast_unsigned())
        })?;
        Ok(id)
    }

    /// The token of this hash that is neither over nor revoked, whose person is not disabled.
    ///
    /// # Errors
    /// If the book could not be read.
    pub fn token(&self, hash: &[u8], at: Timestamp) -> Result<Option<(ApiToken, Person)>, BookError> {
        let found = {
            let connection = self.connection();
            let mut query = connection.prepare_cached(&format!("{TOKEN} WHERE hash = ?1"))?;
            let mut rows = query.query([hash])?;
            rows.next()?.map(token).transpose()?
        };
        let holds = |token: &ApiToken| {
            token.revoked_at.is_none() && token.expires_at.is_none_or(|expires| at < expires)
        };
        let Some(token) = found.filter(holds) else { return Ok(None) };
        Ok(self.person(&token.person)?.filter(|person| !person.disabled).map(|person| (token, person)))
    }

    /// All tokens, oldest first.
    ///
    /// # Errors
    /// If the book could not be read.
    pub fn tokens(&self) -> Result<Vec<ApiToken>, BookError> {
        let connection = self.connection();
        let mut query = connection.prepare(&format!("{TOKEN} ORDER BY id"))?;
        let mut rows = query.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(token(row)?);
        }
        Ok(found)
    }

    /// Revokes a token. Says whether it was in force.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn revoke_token<'a>(&self, id: u64, at: Timestamp, by: impl Into<By<'a>>) -> Result<bool, BookError> {
        let (subject, By { who, why }) = (id.to_string(), by.into());
        let deed = Deed { who, what: "token revoked", subject: &subject, why };
        let revoked = self.change_if(at, &deed, |connection| {
            let revoked = connection.execute(
                "UPDATE api_token SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
                params![id.cast_signed(), at.to_string()],
            )?;
            Ok((revoked > 0).then_some(()))
        })?;
        Ok(revoked.is_some())
    }

    /// Adds a set-up link under its hash. Links made before for the same person open nothing any more.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn add_setup_link<'a>(
        &self,
        hash: &[u8],
        link: &SetupLink,
        at: Timestamp,
        by: impl Into<By<'a>>,
    ) -> Result<(), BookError> {
        let by = by.into();
        let why = by.told(&format!("role {}", link.role));
        let deed = Deed { who: by.who, what: "set-up link made", subject: &link.person, why: &why };
        self.change(at, &deed, |connection| {
            end_links(connection, &link.person, at)?;
            connection.execute(
                "INSERT INTO setup_link (hash, person, role, at, expires_at, owner) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![hash, link.person, link.role, at.to_string(), link.expires_at.to_string(), link.owner],
            )?;
            Ok(())
        })?;
        Ok(())
    }

    /// Uses a set-up link: it adds the person with this password, or sets a known person's password, and is used up.
    /// `None` where the link is unknown, over or used.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn use_setup_link(
        &self,
        hash: &[u8],
        password_hash: &str,
        at: Timestamp,
    ) -> Result<Option<Person>, BookError> {
        let Some(link) = self.setup_link(hash, at)? else { return Ok(None) };
        let deed =
            Deed { who: &link.person, what: "set-up link used", subject: &link.person, why: &link.role };
        let used = self.change_if(at, &deed, |connection| {
            let used = connection.execute(
                "UPDATE setup_link SET used_at = ?2 WHERE hash = ?1 AND used_at IS NULL",
                params![hash, at.to_string()],
            )?;
            if used == 0 {
                return Ok(None);
            }
            connection.execute(
                "INSERT INTO person (name, role, password_hash, at, owner) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (name) DO UPDATE SET password_hash = ?3",
                params![link.person, link.role, password_hash, at.to_string(), link.owner],
            )?;
            // Who had the old password is signed out, and no other link sets another.
            connection.execute("DELETE FROM session WHERE person = ?1", [&link.person])?;
            end_links(connection, &link.person, at)?;
            Ok(Some(()))
        })?;
        if used.is_some() { self.person(&link.person) } else { Ok(None) }
    }

    /// The set-up link of this hash that is neither over nor used.
    ///
    /// # Errors
    /// If the book could not be read.
    pub fn setup_link(&self, hash: &[u8], at: Timestamp) -> Result<Option<SetupLink>, BookError> {
        let row: Option<(String, String, String, Option<String>)> = self
            .connection()
            .query_row(
                "SELECT person, role, expires_at, owner FROM setup_link WHERE hash = ?1 AND used_at IS NULL",
                [hash],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
            )
            .optional()?;
        let Some((person, role, expires_at, owner)) = row else { return Ok(None) };
        let link = SetupLink { person, role, owner, expires_at: instant(expires_at)? };
        Ok(Some(link).filter(|link| at < link.expires_at))
    }

    /// Begins a request that is to be carried out once. `request` is its hash; what is not to be kept is gone.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn begin_once(
        &self,
        who: &str,
        key: &str,
        request: &[u8],
        at: Timestamp,
        keep: Keep,
    ) -> Result<Once, BookError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute("DELETE FROM once WHERE at < ?1", [keep.from.to_string()])?;
        transaction.execute(
            "DELETE FROM once WHERE (who, key) IN
             (SELECT who, key FROM once WHERE who = ?1 ORDER BY at DESC LIMIT -1 OFFSET ?2)",
            params![who, keep.most],
        )?;
        let found: Option<(Vec<u8>, Option<u16>, Option<String>)> = transaction
            .query_row(
                "SELECT request, status, body FROM once WHERE who = ?1 AND key = ?2",
                [who, key],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .optional()?;
        let once = match found {
            Some((same, ..)) if same != request => Once::Another,
            Some((_, Some(status), body)) => Once::Done { status, body: body.unwrap_or_default() },
            Some(_) => Once::Begun,
            None => {
                transaction.execute(
                    "INSERT INTO once (who, key, request, at) VALUES (?1, ?2, ?3, ?4)",
                    params![who, key, request, at.to_string()],
                )?;
                Once::New
            }
        };
        transaction.commit()?;
        Ok(once)
    }

    /// Ends such a request with its answer; without one it may be begun anew.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn end_once(&self, who: &str, key: &str, answer: Option<(u16, &str)>) -> Result<(), BookError> {
        let connection = self.connection();
        match answer {
            Some((status, body)) => connection.execute(
                "UPDATE once SET status = ?3, body = ?4 WHERE who = ?1 AND key = ?2",
                params![who, key, status, body],
            )?,
            None => connection.execute("DELETE FROM once WHERE who = ?1 AND key = ?2", [who, key])?,
        };
        Ok(())
    }
}

/// Which requests that are carried out once stay known.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// Those begun from here on,
    pub from: Timestamp,
    /// and of each caller the last so many.
    pub most: u32,
}

/// What is known of a request that is to be carried out once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Once {
    /// Nothing: carry it out, and end it.
    New,
    /// It was begun, and its end is not known.
    Begun,
    /// The key was another request's.
    Another,
    /// It was carried out, with this answer.
    Done {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: String,
    },
}

/// What is to change of a person; `None` stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PersonChange<'a> {
    /// Another role.
    pub role: Option<&'a str>,
    /// Another password; ends every session and every set-up link.
    pub password_hash: Option<&'a str>,
    /// Disabled or enabled; disabling ends every session and every set-up link.
    pub disabled: Option<bool>,
}

impl PersonChange<'_> {
    /// In words, without any secret.
    fn told(&self) -> String {
        let role = self.role.map(|role| format!("role {role}"));
        let password = self.password_hash.map(|_| "a new password".to_owned());
        let disabled = self.disabled.map(|off| if off { "disabled" } else { "enabled" }.to_owned());
        [role, password, disabled].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}
