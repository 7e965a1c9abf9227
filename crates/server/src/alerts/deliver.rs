//! The ways to somebody: e-mail, Telegram, a webhook, ntfy.
//!
//! Secrets come from the environment, are kept here, and stand in no error: an address is never told with its path where
//! that holds a token. Not here: what is sent and when.

use std::collections::BTreeMap;
use std::time::Duration;

use lettre::message::{Mailbox, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use offpeak_alerts::{Channel, Event, Message, Rules, Severity};
use serde_json::json;

/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// A message's text at most; Telegram takes 4,096 characters.
const TEXT_MAX: usize = 3_500;
/// Lines of a message at most.
const LINES_MAX: usize = 20;

type Mail = AsyncSmtpTransport<Tokio1Executor>;

/// A way that is ready.
enum Way {
    Email { mail: Box<Mail>, from: Mailbox, to: Vec<Mailbox> },
    Telegram { url: String, chat: String },
    Webhook { url: String, token: Option<String> },
    Ntfy { url: String, token: Option<String> },
}

/// All ways.
pub(super) struct Sender {
    ways: BTreeMap<String, Way>,
    http: reqwest::Client,
}

impl Sender {
    /// Prepares every way of a rule file.
    pub(super) fn new(rules: &Rules, secret: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| error.to_string())?;
        let prepare = |(name, channel): (&String, &Channel)| {
            let way = way(channel, secret).map_err(|error| format!("channel `{name}`: {error}"))?;
            Ok((name.clone(), way))
        };
        Ok(Self { ways: rules.channels.iter().map(prepare).collect::<Result<_, String>>()?, http })
    }

    /// Sends a message by one way.
    pub(super) async fn send(&self, channel: &str, site: &str, message: &Message) -> Result<(), String> {
        let Some(way) = self.ways.get(channel) else { return Err("there is no such channel".to_owned()) };
        let (title, text) = (title(site, message), text(message));
        match way {
            Way::Email { mail, from, to } => send_mail(mail, from, to, &title, &text).await,
            Way::Telegram { url, chat } => {
                let body = json!({ "chat_id": chat, "text": format!("{title}\n\n{text}") });
                self.post(self.http.post(url).json(&body)).await
            }
            Way::Webhook { url, token } => {
                let body = json!({
                    "site": site, "at": message.at, "event": message.event, "severity": message.severity,
                    "alerts": message.alerts, "lines": message.lines, "title": title,
                });
                self.post(with_token(self.http.post(url), token.as_deref()).json(&body)).await
            }
            Way::Ntfy { url, token } => {
                // ntfy takes headers in RFC 2047 or plain ASCII only; the text itself may be anything.
                let ascii: String =
                    title.chars().map(|letter| if letter.is_ascii() { letter } else { '?' }).collect();
                let request = with_token(self.http.post(url), token.as_deref())
                    .header("Title", ascii)
                    .header("Priority", priority(message))
                    .body(text);
                self.post(request).await
            }
        }
    }

    /// A sign of life.
    pub(super) async fn beat(&self, url: &str) -> Result<(), String> {
        self.post(self.http.get(url)).await
    }

    async fn post(&self, request: reqwest::RequestBuilder) -> Result<(), String> {
        // The address may hold a token.
        let response = request.send().await.map_err(|error| cause(&error.without_url()))?;
        let status = response.status();
        if status.is_success() { Ok(()) } else { Err(format!("the server answered {status}")) }
    }
}

/// The innermost cause, which says most.
fn cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn with_token(request: reqwest::RequestBuilder, token: Option<&str>) -> reqwest::RequestBuilder {
    match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}

fn way(channel: &Channel, secret: &dyn Fn(&str) -> Option<String>) -> Result<Way, String> {
    let needed = |name: &String| {
        secret(name)
            .filter(|value| !value.trim().is_empty())
            .ok_or_else(|| format!("{name} is not in the environment"))
    };
    Ok(match channel {
        Channel::Email { server, security, from, to, user, password_env } => {
            let password = password_env.as_ref().map(needed).transpose()?;
            let login = user.clone().zip(password).map(|(user, password)| Credentials::new(user, password));
            let mailbox =
                |text: &String| text.parse::<Mailbox>().map_err(|error| format!("`{text}`: {error}"));
            let to = to.iter().map(mailbox).collect::<Result<_, _>>()?;
            Way::Email { mail: Box::new(mail(server, security, login)?), from: mailbox(from)?, to }
        }
        Channel::Telegram { chat, token_env, api } => {
            let url = format!("{}/bot{}/sendMessage", api.trim_end_matches('/'), needed(token_env)?.trim());
            Way::Telegram { url, chat: chat.clone() }
        }
        Channel::Webhook { url, token_env } => {
            Way::Webhook { url: url.clone(), token: token_env.as_ref().map(needed).transpose()? }
        }
        Channel::Ntfy { url, token_env } => {
            Way::Ntfy { url: url.clone(), token: token_env.as_ref().map(needed).transpose()? }
        }
    })
}

fn mail(server: &str, security: &str, login: Option<Credentials>) -> Result<Mail, String> {
    let (host, port) = server.rsplit_once(':').ok_or("the server is no host:port")?;
    let port = port.parse::<u16>().map_err(|_| format!("`{port}` is no port"))?;
    let builder = match security {
        "tls" => Mail::relay(host).map_err(|error| error.to_string())?,
        "starttls" => Mail::starttls_relay(host).map_err(|error| error.to_string())?,
        // The rules allow it on loopback only.
        _ => Mail::builder_dangerous(host.trim_matches(['[', ']'])),
    };
    let builder = builder.port(port).timeout(Some(PATIENCE));
    Ok(match login {
        Some(login) => builder.credentials(login).build(),
        None => builder.build(),
    })
}

async fn send_mail(
    mail: &Mail,
    from: &Mailbox,
    to: &[Mailbox],
    title: &str,
    text: &str,
) -> Result<(), String> {
    let mut letter = lettre::Message::builder().from(from.clone()).subject(title);
    for to in to {
        letter = letter.to(to.clone());
    }
    // Says that it is UTF-8: a body without that is read as ASCII.
    let letter = letter.singlepart(SinglePart::plain(text.to_owned())).map_err(|error| error.to_string())?;
    mail.send(letter).await.map(drop).map_err(|error| cause(&error))
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Notice => "notice",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

const fn priority(message: &Message) -> &'static str {
    match (message.event, message.severity) {
        (Event::Over | Event::Test, _) | (_, Severity::Notice) => "default",
        (_, Severity::Warning) => "high",
        (_, Severity::Critical) => "urgent",
    }
}

/// A subject: where, how grave, the first line, and how many more.
fn title(site: &str, message: &Message) -> String {
    let word = match message.event {
        Event::Over => "over",
        Event::Test => "test",
        Event::Escalated => "nobody answered",
        Event::Repeated => "still",
        Event::Raised => severity(message.severity),
    };
    let more = match message.lines.len().saturating_sub(1) {
        0 => String::new(),
        more => format!(" (+{more})"),
    };
    let first = message.lines.first().map_or("", String::as_str);
    let plain = format!("[{site}] {word}: {first}{more}");
    // A line break would end a header.
    plain.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(200).collect()
}

fn text(message: &Message) -> String {
    let mut text = message.lines.iter().take(LINES_MAX).fold(String::new(), |text, line| text + line + "\n");
    let more = message.lines.len().saturating_sub(LINES_MAX);
    if more > 0 {
        text += &format!("and {more} more\n");
    }
    let text: String = text.chars().take(TEXT_MAX).collect();
    format!("{text}\nat {}", message.at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_line_and_a_text_is_bounded() {
        let message = Message {
            at: jiff::Timestamp::UNIX_EPOCH,
            event: Event::Raised,
            severity: Severity::Critical,
            channels: vec![],
            alerts: vec![1, 2],
            lines: vec!["hall-1\r\nBcc: x".into(), "y".repeat(10_000)],
        };
        assert_eq!(title("mine", &message), "[mine] critical: hall-1  Bcc: x (+1)");
        assert!(text(&message).chars().count() < 4_096);
    }
}
