//! The methods of the Web API, and the way of a call: token, scope, arguments.

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::{Done, Refused, Workspace};
use crate::core::time::Millis;

/// A method of the Web API: <https://docs.slack.dev/reference/methods>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    ApiTest,
    AuthTest,
    ChatDelete,
    ChatGetPermalink,
    ChatPostMessage,
    ChatUpdate,
    ConversationsHistory,
    ConversationsInfo,
    ConversationsList,
    ConversationsReplies,
    ViewsOpen,
    ViewsUpdate,
}

impl Method {
    /// Every one, by its name and with the scopes of which a bot token needs one.
    const ALL: [(&'static str, Method, &'static [&'static str]); 12] = [
        ("api.test", Method::ApiTest, &[]),
        ("auth.test", Method::AuthTest, &[]),
        ("chat.delete", Method::ChatDelete, &["chat:write"]),
        ("chat.getPermalink", Method::ChatGetPermalink, &[]),
        ("chat.postMessage", Method::ChatPostMessage, &["chat:write"]),
        ("chat.update", Method::ChatUpdate, &["chat:write"]),
        ("conversations.history", Method::ConversationsHistory, HISTORY),
        ("conversations.info", Method::ConversationsInfo, READ),
        ("conversations.list", Method::ConversationsList, READ),
        ("conversations.replies", Method::ConversationsReplies, HISTORY),
        ("views.open", Method::ViewsOpen, &[]),
        ("views.update", Method::ViewsUpdate, &[]),
    ];

    /// The one of a name.
    pub(crate) fn parse(name: &str) -> Option<Method> {
        let found = Method::ALL.iter().find(|(one, _, _)| *one == name);
        found.map(|(_, method, _)| *method)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        let found = Method::ALL.iter().find(|(_, one, _)| *one == self);
        found.map_or("", |(name, _, _)| name)
    }

    /// The scopes of which a call needs one; none where it needs none.
    pub(crate) fn scopes(self) -> &'static [&'static str] {
        let found = Method::ALL.iter().find(|(_, one, _)| *one == self);
        found.map_or(&[], |(_, _, scopes)| scopes)
    }
}

const HISTORY: &[&str] = &["channels:history", "groups:history", "mpim:history", "im:history"];
const READ: &[&str] = &["channels:read", "groups:read", "mpim:read", "im:read"];

impl Workspace {
    /// Carries a call out.
    pub(crate) fn call(
        &mut self,
        now: Millis,
        method: Method,
        token: Option<&str>,
        arguments: &Arguments,
    ) -> Done {
        if method == Method::ApiTest {
            return api_test(arguments);
        }
        self.app.admit(token, method.scopes())?;
        match method {
            Method::ApiTest => api_test(arguments),
            Method::AuthTest => self.auth_test(),
            Method::ChatDelete => self.chat_delete(arguments),
            Method::ChatGetPermalink => self.chat_get_permalink(arguments),
            Method::ChatPostMessage => self.chat_post_message(now, arguments),
            Method::ChatUpdate => self.chat_update(now, arguments),
            Method::ConversationsHistory => self.conversations_history(arguments),
            Method::ConversationsInfo => self.conversations_info(arguments),
            Method::ConversationsList => self.conversations_list(arguments),
            Method::ConversationsReplies => self.conversations_replies(arguments),
            Method::ViewsOpen => self.views_open(now, arguments),
            Method::ViewsUpdate => self.views_update(now, arguments),
        }
    }

    /// `missing_scope` for a method, whatever the token's scopes are: for a fault that says so.
    pub(crate) fn missing_scope(&self, method: Method) -> Refused {
        self.app.missing(method.scopes())
    }
}

/// Says what it was sent: <https://docs.slack.dev/reference/methods/api.test>. It needs no token.
fn api_test(arguments: &Arguments) -> Done {
    let mut fields = arguments.fields().clone();
    fields.remove("token");
    match arguments.text("error")?.filter(|error| !error.is_empty()) {
        None if fields.is_empty() => Ok(json!({})),
        None => Ok(json!({"args": fields})),
        Some(error) => {
            let mut refused = Refused::from(error.as_str());
            refused.beside.insert("args".to_owned(), Value::Object(fields));
            Err(refused)
        }
    }
}
