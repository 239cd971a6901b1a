//! The blocks of messages and modals, with their fields and limits.
//!
//! Facts: <https://docs.slack.dev/reference/block-kit/blocks>, <https://docs.slack.dev/reference/views/modal-views>.
//! Left out, and so refused as unsupported: `video`, `file`, `table`, `alert`, `card` and their like. Of a rich text no
//! more is looked at than the types of its parts.

use super::elements::{ACT, CHOOSE, ID, MOMENT, PICTURE, TYPE, WORDS, mrkdwn};
use super::schema::{Field, Kind, Shape, may, must, plain, string};

/// The parts of a rich text.
const RICH: &[Shape] = &[
    Shape {
        name: "rich_text_section",
        fields: RICH_FIELDS,
    },
    Shape {
        name: "rich_text_list",
        fields: RICH_FIELDS,
    },
    Shape {
        name: "rich_text_preformatted",
        fields: RICH_FIELDS,
    },
    Shape {
        name: "rich_text_quote",
        fields: RICH_FIELDS,
    },
];

const RICH_FIELDS: &[Field] = &[
    must(
        "elements",
        Kind::List {
            of: &Kind::Free,
            least: 0,
            most: 1000,
        },
    ),
    may("style", Kind::Word(&["bullet", "ordered"])),
    may("indent", Kind::Int(0, 8)),
    may("offset", Kind::Int(0, 10_000)),
    may("border", Kind::Int(0, 1)),
];

const fn block_id() -> Field {
    may("block_id", ID)
}

/// Every block.
const BLOCKS: &[Shape] = &[
    Shape {
        name: "section",
        fields: &[
            block_id(),
            may("text", mrkdwn(3000)),
            may(
                "fields",
                Kind::List {
                    of: &mrkdwn(2000),
                    least: 1,
                    most: 10,
                },
            ),
            may("accessory", Kind::Typed(&[ACT, CHOOSE, PICTURE])),
            may("expand", Kind::Bool),
        ],
    },
    Shape {
        name: "header",
        fields: &[block_id(), must("text", plain(150))],
    },
    Shape {
        name: "divider",
        fields: &[block_id()],
    },
    Shape {
        name: "context",
        fields: &[
            block_id(),
            must(
                "elements",
                Kind::List {
                    of: &Kind::Typed(&[WORDS, PICTURE]),
                    least: 1,
                    most: 10,
                },
            ),
        ],
    },
    Shape {
        name: "actions",
        fields: &[
            block_id(),
            must(
                "elements",
                Kind::List {
                    of: &Kind::Typed(&[ACT, CHOOSE, MOMENT]),
                    least: 1,
                    most: 25,
                },
            ),
        ],
    },
    Shape {
        name: "input",
        fields: &[
            block_id(),
            must("label", plain(2000)),
            must("element", Kind::Typed(&[TYPE, CHOOSE, MOMENT])),
            may("dispatch_action", Kind::Bool),
            may("hint", plain(2000)),
            may("optional", Kind::Bool),
        ],
    },
    Shape {
        name: "image",
        fields: &[
            block_id(),
            must("alt_text", string(2000)),
            may("image_url", Kind::Url(3000)),
            may("slack_file", Kind::Free),
            may("title", plain(2000)),
        ],
    },
    Shape {
        name: "markdown",
        fields: &[
            block_id(),
            must(
                "text",
                Kind::Str {
                    least: 1,
                    most: 12_000,
                },
            ),
        ],
    },
    Shape {
        name: "rich_text",
        fields: &[
            block_id(),
            must(
                "elements",
                Kind::List {
                    of: &Kind::Typed(&[RICH]),
                    least: 0,
                    most: 1000,
                },
            ),
        ],
    },
];

/// The blocks of a message.
pub(super) const MESSAGE: Kind = Kind::List {
    of: &Kind::Typed(&[BLOCKS]),
    least: 0,
    most: 50,
};

/// A modal.
pub(super) const MODAL: Kind = Kind::Typed(&[&[Shape {
    name: "modal",
    fields: &[
        must("title", plain(24)),
        must(
            "blocks",
            Kind::List {
                of: &Kind::Typed(&[BLOCKS]),
                least: 0,
                most: 100,
            },
        ),
        may("close", plain(24)),
        may("submit", plain(24)),
        may("private_metadata", string(3000)),
        may("callback_id", string(255)),
        may("clear_on_close", Kind::Bool),
        may("notify_on_close", Kind::Bool),
        may("external_id", string(255)),
    ],
}]]);
