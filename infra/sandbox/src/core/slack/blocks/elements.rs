//! The elements of blocks and the objects in them, with their fields and limits.
//!
//! Facts: <https://docs.slack.dev/reference/block-kit/block-elements>,
//! <https://docs.slack.dev/reference/block-kit/composition-objects>. Left out, and so refused as unsupported: the
//! elements of workflows, of files and of feedback, and menus of several channels or conversations.

use super::schema::{Field, Kind, Shape, may, must, plain, string};

/// An id.
pub(super) const ID: Kind = Kind::Str { least: 1, most: 255 };

/// A text object of either type.
pub(super) const fn mrkdwn(most: usize) -> Kind {
    Kind::Text { mrkdwn: true, most }
}

const CONFIRM: Kind = Kind::Object(&[
    must("title", plain(100)),
    must("text", mrkdwn(300)),
    must("confirm", plain(30)),
    must("deny", plain(30)),
    may("style", Kind::Word(&["primary", "danger"])),
]);

const OPTION: Kind = Kind::Object(&[
    must("text", plain(75)),
    must("value", string(150)),
    may("description", plain(75)),
    may("url", Kind::Url(3000)),
]);

const CHOICE: Kind = Kind::Object(&[
    must("text", mrkdwn(75)),
    must("value", string(150)),
    may("description", mrkdwn(75)),
]);

const GROUP: Kind = Kind::Object(&[
    must("label", plain(75)),
    must(
        "options",
        Kind::List {
            of: &OPTION,
            least: 1,
            most: 100,
        },
    ),
]);

const fn options(most: usize) -> Kind {
    Kind::List {
        of: &OPTION,
        least: 1,
        most,
    }
}

const fn choices(most: usize) -> Kind {
    Kind::List {
        of: &CHOICE,
        least: 1,
        most,
    }
}

const IDS: Kind = Kind::List {
    of: &ID,
    least: 1,
    most: 100,
};

const DISPATCH: Kind = Kind::Object(&[may(
    "trigger_actions_on",
    Kind::List {
        of: &Kind::Word(&["on_enter_pressed", "on_character_entered"]),
        least: 1,
        most: 2,
    },
)]);

const fn placeholder() -> Field {
    may("placeholder", plain(150))
}

const fn focus() -> Field {
    may("focus_on_load", Kind::Bool)
}

const fn action() -> Field {
    may("action_id", ID)
}

const fn confirm() -> Field {
    may("confirm", CONFIRM)
}

/// In a section's accessory, in actions, and in an input: what chooses.
pub(super) const CHOOSE: &[Shape] = &[
    Shape {
        name: "static_select",
        fields: &[
            action(),
            may("options", options(100)),
            may(
                "option_groups",
                Kind::List {
                    of: &GROUP,
                    least: 1,
                    most: 100,
                },
            ),
            may("initial_option", OPTION),
            confirm(),
            focus(),
            placeholder(),
        ],
    },
    Shape {
        name: "multi_static_select",
        fields: &[
            action(),
            may("options", options(100)),
            may(
                "option_groups",
                Kind::List {
                    of: &GROUP,
                    least: 1,
                    most: 100,
                },
            ),
            may("initial_options", options(100)),
            confirm(),
            may("max_selected_items", Kind::Int(1, 100)),
            focus(),
            placeholder(),
        ],
    },
    Shape {
        name: "external_select",
        fields: &[
            action(),
            may("initial_option", OPTION),
            may("min_query_length", Kind::Int(0, 3000)),
            confirm(),
            focus(),
            placeholder(),
        ],
    },
    Shape {
        name: "users_select",
        fields: &[
            action(),
            may("initial_user", ID),
            confirm(),
            focus(),
            placeholder(),
        ],
    },
    Shape {
        name: "multi_users_select",
        fields: &[
            action(),
            may("initial_users", IDS),
            confirm(),
            may("max_selected_items", Kind::Int(1, 100)),
            focus(),
            placeholder(),
        ],
    },
    Shape {
        name: "channels_select",
        fields: &[
            action(),
            may("initial_channel", ID),
            confirm(),
            may("response_url_enabled", Kind::Bool),
            focus(),
            placeholder(),
        ],
    },
    Shape {
        name: "conversations_select",
        fields: &[
            action(),
            may("initial_conversation", ID),
            may("default_to_current_conversation", Kind::Bool),
            confirm(),
            may("response_url_enabled", Kind::Bool),
            may("filter", Kind::Free),
            focus(),
            placeholder(),
        ],
    },
    Shape {
        name: "datepicker",
        fields: &[
            action(),
            may("initial_date", Kind::Str { least: 10, most: 10 }),
            confirm(),
            focus(),
            placeholder(),
        ],
    },
    Shape {
        name: "timepicker",
        fields: &[
            action(),
            may("initial_time", Kind::Str { least: 5, most: 5 }),
            confirm(),
            focus(),
            placeholder(),
            may("timezone", string(255)),
        ],
    },
    Shape {
        name: "radio_buttons",
        fields: &[
            action(),
            must("options", choices(10)),
            may("initial_option", CHOICE),
            confirm(),
            focus(),
        ],
    },
    Shape {
        name: "checkboxes",
        fields: &[
            action(),
            must("options", choices(10)),
            may("initial_options", choices(10)),
            confirm(),
            focus(),
        ],
    },
];

/// In a section's accessory and in actions, but not in an input: what acts.
pub(super) const ACT: &[Shape] = &[
    Shape {
        name: "button",
        fields: &[
            must("text", plain(75)),
            action(),
            may("url", Kind::Url(3000)),
            may("value", string(2000)),
            may("style", Kind::Word(&["primary", "danger"])),
            confirm(),
            may("accessibility_label", string(75)),
        ],
    },
    Shape {
        name: "overflow",
        fields: &[action(), must("options", options(5)), confirm()],
    },
];

/// In actions and in an input.
pub(super) const MOMENT: &[Shape] = &[Shape {
    name: "datetimepicker",
    fields: &[
        action(),
        may("initial_date_time", Kind::Int(1_000_000_000, 9_999_999_999)),
        confirm(),
        focus(),
    ],
}];

/// In an input alone: what is typed.
pub(super) const TYPE: &[Shape] = &[
    Shape {
        name: "plain_text_input",
        fields: &[
            action(),
            may("initial_value", string(3000)),
            may("multiline", Kind::Bool),
            may("min_length", Kind::Int(0, 3000)),
            may("max_length", Kind::Int(1, 3000)),
            may("dispatch_action_config", DISPATCH),
            focus(),
            placeholder(),
        ],
    },
    Shape {
        name: "number_input",
        fields: &[
            must("is_decimal_allowed", Kind::Bool),
            action(),
            may("initial_value", string(255)),
            may("min_value", string(255)),
            may("max_value", string(255)),
            may("dispatch_action_config", DISPATCH),
            focus(),
            placeholder(),
        ],
    },
    Shape {
        name: "email_text_input",
        fields: &[
            action(),
            may("initial_value", string(255)),
            may("dispatch_action_config", DISPATCH),
            focus(),
            placeholder(),
        ],
    },
    Shape {
        name: "url_text_input",
        fields: &[
            action(),
            may("initial_value", string(3000)),
            may("dispatch_action_config", DISPATCH),
            focus(),
            placeholder(),
        ],
    },
];

/// In a section's accessory and in a context: an image.
pub(super) const PICTURE: &[Shape] = &[Shape {
    name: "image",
    fields: &[
        must("alt_text", string(2000)),
        may("image_url", Kind::Url(3000)),
        may("slack_file", Kind::Free),
    ],
}];

/// In a context: a text.
pub(super) const WORDS: &[Shape] = &[
    Shape {
        name: "plain_text",
        fields: &[
            must("text", Kind::Str { least: 1, most: 3000 }),
            may("emoji", Kind::Bool),
        ],
    },
    Shape {
        name: "mrkdwn",
        fields: &[
            must("text", Kind::Str { least: 1, most: 3000 }),
            may("verbatim", Kind::Bool),
        ],
    },
];
