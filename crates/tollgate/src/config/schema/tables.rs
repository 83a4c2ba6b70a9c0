use super::Default::{Boolean as Yes, Integer as Number, Text as Word, Texts as Words};
use super::Kind::{
    Boolean, Float, Integer, Map, Named, OneOrMore, Seconds, Table, Tables, Text, TextOrTexts,
    Texts, Usd, Word as OneOf, WordOrFalse,
};
use super::approvals::APPROVALS;
use super::later::EGRESS;
use super::policy::POLICY;
use super::scan::{DLP, SCAN};
use super::synthetic::{ALLOYS, CASCADES, DISPATCHERS};
use super::{Key, Section};

const DAY: i64 = 86_400;
const WINDOW: i64 = 1_000_000_000;
const MOST_TOKENS: i64 = tollgate_budget::MOST_TOKENS.cast_signed();

/// The whole file.
pub(crate) static ROOT: Section = Section {
    noun: "",
    keys: &[
        Key::new("server", Table(&SERVER), "The listener and its limits."),
        Key::new(
            "ledger",
            Table(&LEDGER),
            "Where requests and events are written down.",
        ),
        Key::new(
            "providers",
            Named(&PROVIDER, None),
            "Who serves models, by an id of your choice: lower-case letters, digits, `-`, `_`.",
        ),
        Key::new(
            "model_routes",
            Tables(&MODEL_ROUTE),
            "Which provider serves which bare model names; wins over the providers' own globs, first match first.",
        ),
        Key::new(
            "model_shortcuts",
            Tables(&MODEL_SHORTCUT),
            "Other names for models.",
        ),
        Key::new(
            "alloys",
            Tables(&ALLOYS),
            "Synthetic models that mix others.",
        ),
        Key::new(
            "cascades",
            Tables(&CASCADES),
            "Synthetic models that try others in order.",
        ),
        Key::new(
            "dispatchers",
            Tables(&DISPATCHERS),
            "Synthetic models that pick by context window.",
        ),
        Key::new(
            "agents",
            Named(&AGENT, Some(&AGENT_DEFAULTS)),
            "Who may call, by name; `defaults` is reserved for what holds for all.",
        ),
        Key::new(
            "bottles",
            Named(&BOTTLE, None),
            "The sandboxes that agents run in, for their budgets: lower-case letters, digits, `-`, `_`, `.`.",
        ),
        Key::new(
            "models",
            Named(&MODEL, Some(&MODEL_DEFAULTS)),
            "What models take, give and cost, by `model` or `provider/model`; wins over the built-in list. `defaults` is reserved.",
        ),
        Key::new(
            "budget",
            Table(&BUDGETS),
            "How budgets are kept; what they are stands in `[agents.NAME]`, `[bottles.NAME]` and `settings.yml`.",
        ),
        Key::new(
            "monitoring",
            Table(&MONITORING),
            "What is kept in memory to look at.",
        ),
        Key::new("policy", Table(&POLICY), "Rules that allow, ask or deny."),
        Key::new(
            "scan",
            Table(&SCAN),
            "What the scanner knows and whom it asks.",
        ),
        Key::new("egress", Table(&EGRESS), "The network plane.").ignored(),
        Key::new(
            "approvals",
            Table(&APPROVALS),
            "Who answers what needs a person.",
        ),
        Key::new("exec", Table(&EXEC), "Where `tollgate exec` runs commands."),
        Key::new("telemetry", Table(&TELEMETRY), "Metrics and traces."),
    ],
};

static SERVER: Section = Section {
    noun: "server",
    keys: &[
        Key::new("bind", Text, "Address and port of the model API and the control API. Port 0 takes a free one. Anything but loopback also needs `anonymous = false` and `insecure = true`.").or(Word("127.0.0.1:4100")),
        Key::new("anonymous", WordOrFalse(&["main"]), "`\"main\"`: processes of the same user on loopback may call without a key and are agent `main`. Without a configuration file this is on.").or(Yes(false)),
        Key::new("insecure", Boolean, "Allows a bind beyond loopback without TLS.").or(Yes(false)),
        Key::new("drain_seconds", Seconds(0, 3600), "How long running streams may go on after SIGTERM.").or(Number(30)),
        Key::new("answer_model", OneOf(&["served", "asked"]), "Which model name an answer carries: as the provider gave it, or as the caller asked.").or(Word("served")),
        Key::new("translation", OneOf(&["lenient", "strict"]), "What becomes of a hint (sampling, cache marks) that a provider of another dialect has no place for: left out and listed by `why`, or refused. What changes the meaning is always refused.").or(Word("lenient")),
        Key::new("hold_tokens", Integer(0, 4096), "Keeps the beginning of every stream back until so many tokens have come, so that one that breaks before that is repeated elsewhere instead of ending with an error. 0 sends the first token at once.").or(Number(0)),
        Key::new("hold_ms", Integer(0, 10_000), "The same for so many milliseconds from the first event on. With `hold_tokens` beside it, whichever comes first ends the wait.").or(Number(0)),
        Key::new("max_body_mb", Integer(1, 1024), "Largest request body in MiB.").or(Number(32)),
        Key::new("bodies_in_flight_mb", Integer(1, 65_536), "Memory for all request bodies at once in MiB; at least `max_body_mb`.").or(Number(256)),
        Key::new("header_read_seconds", Seconds(1, 300), "How long a client may take to send its headers.").or(Number(10)),
        Key::new("body_idle_seconds", Seconds(1, 300), "How long a client may pause while it sends a body.").or(Number(30)),
    ],
};

static LEDGER: Section = Section {
    noun: "ledger",
    keys: &[
        Key::new("url", Text, "`sqlite` for `ledger.db` in the state folder, or `sqlite:PATH` (relative to this file). PostgreSQL is not built yet.").or(Word("sqlite")).hidden(),
    ],
};

static PROVIDER: Section = Section {
    noun: "provider",
    keys: &[
        Key::new("wire", OneOf(&["openai", "anthropic", "gemini", "demo"]), "The dialect that the provider speaks; `demo` is the built-in model.").required(),
        Key::new("api", OneOf(&["any", "chat", "responses"]), "Of wire `openai`: what its conversations are asked by. `any` passes callers of chat and Responses on as they are and asks by chat for all others; with `chat` or `responses` that is all it has.").or(Word("any")),
        Key::new("base_url", Text, "Where requests go. Ends in `/v1` for openai, has no version for anthropic and gemini. `http://` with a key only to loopback."),
        Key::new("api_key", Text, "The key; better `\"${VAR}\"` or `api_key_file` than the key itself. Has weight 100 and priority 1.").secret(),
        Key::new("api_key_file", Text, "A file with the key, mode 0600, relative to this file."),
        Key::new("tokens", Tables(&TOKEN), "More keys, spread by weight within the lowest priority that has one free."),
        Key::new("auth", OneOf(&["pool", "client"]), "`pool` uses the keys here. `client` forwards the caller's own credential to this provider and to no other; the Tollgate key then comes in `x-tollgate-key`.").or(Word("pool")),
        Key::new("models", Texts, "Globs for the bare model names that this provider serves.").or(Words(&[])),
        Key::new("headers", Map, "Headers set on every request to the provider; not those that carry a credential.").hidden(),
        Key::new("passthrough", Tables(&PASSTHROUGH), "Methods and paths that `/passthrough` takes at a stated cost, beside the endpoints of its wire."),
        Key::new("dlp", Table(&DLP), "What is looked for in requests to it and in its answers, where the agent's own table does not say it."),
        Key::new("timeout_seconds", Seconds(1, DAY), "Longest whole request.").or(Number(300)),
        Key::new("first_byte_seconds", Seconds(1, DAY), "Longest wait for the first byte of an answer.").or(Number(60)),
        Key::new("idle_seconds", Seconds(1, DAY), "Longest pause within an answer.").or(Number(60)),
        Key::new("stream_usage", Boolean, "Ask for token usage in streams even where the client did not; it is stripped again.").or(Yes(true)),
    ],
};

static PASSTHROUGH: Section = Section {
    noun: "passthrough",
    keys: &[
        Key::new(
            "method",
            OneOf(&["GET", "POST", "PUT", "PATCH", "DELETE"]),
            "The method.",
        )
        .required(),
        Key::new(
            "path",
            Text,
            "What follows `base_url`, such as `/files`, or `/files/*` with all below it.",
        )
        .required(),
        Key::new(
            "tokens",
            Integer(0, MOST_TOKENS),
            "What each request counts as, in tokens; 0 where it is free.",
        )
        .or(Number(0)),
        Key::new("usd", Usd, "What each request costs, in US dollars."),
    ],
};

static TOKEN: Section = Section {
    noun: "token",
    keys: &[
        Key::new("key", Text, "The key; better `\"${VAR}\"` or `key_file`.").secret(),
        Key::new(
            "key_file",
            Text,
            "A file with the key, mode 0600, relative to this file.",
        ),
        Key::new(
            "weight",
            Integer(1, 1_000_000),
            "Share of the requests within its priority.",
        )
        .or(Number(100)),
        Key::new("priority", Integer(1, 1000), "Lower ones are used first.").or(Number(1)),
    ],
};

static MODEL_ROUTE: Section = Section {
    noun: "model route",
    keys: &[
        Key::new("pattern", Text, "A glob over bare model names.").required(),
        Key::new("provider", Text, "The provider's id.").required(),
    ],
};

static MODEL_SHORTCUT: Section = Section {
    noun: "model shortcut",
    keys: &[
        Key::new("alias", Text, "The other name.").required(),
        Key::new(
            "model",
            Text,
            "What it stands for: a model, `provider/model`, or another alias.",
        )
        .required(),
    ],
};

static AGENT_DEFAULTS: Section = Section {
    noun: "agent defaults",
    keys: &[
        Key::new("model", Table(&AGENT_MODEL), "What holds for every agent."),
        Key::new(
            "hold_tokens",
            Integer(0, 4096),
            "What `[server] hold_tokens` says otherwise; 0 keeps nothing back.",
        ),
        Key::new(
            "hold_ms",
            Integer(0, 10_000),
            "What `[server] hold_ms` says otherwise; 0 keeps nothing back.",
        ),
        Key::new(
            "dlp",
            Table(&DLP),
            "What is looked for in requests and answers, and what follows.",
        ),
    ],
};

static AGENT_MODEL: Section = Section {
    noun: "agent defaults: model",
    keys: AGENT_MODEL_KEYS,
};

static OWN_MODEL: Section = Section {
    noun: "model",
    keys: AGENT_MODEL_KEYS,
};

const AGENT_MODEL_KEYS: &[Key] = &[
    Key::new(
        "provider",
        Text,
        "The name, mostly `provider/model`, that falls back as written below when it is asked for.",
    ),
    Key::new("fallback", Texts, "Names of models, in order.").or(Words(&[])),
    Key::new(
        "temperature",
        Float(0.0, 2.0),
        "Used where a request says nothing.",
    ),
    Key::new(
        "max_tokens",
        Integer(1, 100_000_000),
        "Used where a request says nothing.",
    ),
];

static AGENT: Section = Section {
    noun: "agent",
    keys: &[
        Key::new("keys", Texts, "Keys of its own choice, at least 32 random characters; or let `tollgate agents add NAME` make one.").or(Words(&[])).secret(),
        Key::new("allowed_models", Texts, "Globs of model names it may ask for.").or(Words(&["*"])),
        Key::new("blocked_models", Texts, "Globs of model names it may not; wins.").or(Words(&[])),
        Key::new("may_act_for", Texts, "Agents that a hook with this agent's key may speak for.").or(Words(&[])),
        Key::new("allowed_domains", Texts, "Domains it may reach, those below counted; rules decide what that means. None says nothing.").or(Words(&[])),
        Key::new("denied_domains", Texts, "Domains it may not reach, those below counted.").or(Words(&[])),
        Key::new("context", Map, "Facts of your own about it, over those of `[policy] context`."),
        Key::new("budget", OneOrMore(&BUDGET), "What it may use; a number is tokens for ever. See budgets.md."),
        Key::new("model", Table(&OWN_MODEL), "What `[agents.defaults.model]` says otherwise, key by key; `provider` and `fallback` go together."),
        Key::new("dlp", Table(&DLP), "What is looked for in its requests and answers; wins over the provider's and over that for all agents, key by key."),
        Key::new("hold_tokens", Integer(0, 4096), "What `[server] hold_tokens` says otherwise for its streams; 0 keeps nothing back."),
        Key::new("hold_ms", Integer(0, 10_000), "What `[server] hold_ms` says otherwise for its streams; 0 keeps nothing back."),
        Key::new("bottle", Text, "The bottle that it runs in: a `[bottles.NAME]`."),
        Key::new("routes", Text, "Egress routes of this agent.").ignored(),
        Key::new("rate_limit_rpm", Integer(1, 1_000_000_000), "Requests in any minute; beyond it 429."),
        Key::new("rate_limit_tpm", Integer(1, 10_000_000_000), "Tokens in any minute: what a request may use counts until it is known what it used."),
    ],
};

static BOTTLE: Section = Section {
    noun: "bottle",
    keys: &[
        Key::new(
            "extends",
            TextOrTexts,
            "The bottles that it stands in; what it uses counts there too.",
        )
        .or(Words(&[])),
        Key::new(
            "budget",
            OneOrMore(&BUDGET),
            "What everything in it may use; a number is tokens for ever.",
        ),
    ],
};

/// A budget, here and in `settings.yml`. The first key is what a number alone
/// stands for.
pub(crate) static BUDGET: Section = Section {
    noun: "budget",
    keys: &[
        Key::new(
            "tokens",
            Integer(0, MOST_TOKENS),
            "Tokens of all kinds, cached and reasoning ones at face value. 0 blocks.",
        ),
        Key::new("usd", Usd, "US dollars; beside `tokens` both hold."),
        Key::new(
            "per",
            OneOf(&["total", "run", "day", "month"]),
            "How long it lasts.",
        )
        .or(Word("total")),
        Key::new(
            "time_zone",
            Text,
            "Where days and months begin, such as `Europe/Berlin`.",
        )
        .or(Word("UTC")),
        Key::new(
            "provider",
            Text,
            "A provider's id, where it counts only that one.",
        ),
        Key::new(
            "ceiling",
            Boolean,
            "Holds even where a more specific budget governs.",
        )
        .or(Yes(false)),
        Key::new(
            "shutdown",
            OneOf(&["cutoff", "freeze", "kill"]),
            "What happens when it is used up.",
        )
        .or(Word("cutoff")),
    ],
};

static BUDGETS: Section = Section {
    noun: "budget",
    keys: &[
        Key::new(
            "clamp_max_tokens",
            Boolean,
            "A request that may use more than its budget has left is sent with a lower maximum instead of being refused.",
        )
        .or(Yes(false)),
        Key::new(
            "clamp_floor",
            Integer(1, WINDOW),
            "Where the maximum would be lower than this, in tokens, the request is refused all the same.",
        )
        .or(Number(256)),
    ],
};

static MODEL_DEFAULTS: Section = Section {
    noun: "model defaults",
    keys: &[Key::new(
        "max_output",
        Integer(1, WINDOW),
        "Most tokens of an answer, for budgets, where neither the request nor what is known of the model says it. Without, such a request is refused under a budget.",
    )],
};

static MODEL: Section = Section {
    noun: "model",
    keys: &[
        Key::new(
            "context_window",
            Integer(1, WINDOW),
            "Input and output together, in tokens.",
        ),
        Key::new(
            "max_output",
            Integer(1, WINDOW),
            "Most tokens of one answer.",
        ),
        Key::new("price", Table(&PRICE), "What a million tokens cost."),
        Key::new(
            "long",
            Table(&LONG),
            "What they cost in a request with a long prompt.",
        ),
    ],
};

static PRICE: Section = Section {
    noun: "price",
    keys: &[
        Key::new("input", Usd, "Input that no cache has.").required(),
        Key::new("output", Usd, "Output, reasoning included.").required(),
        Key::new(
            "cache_read",
            Usd,
            "Input read from a cache; as `input` where absent.",
        ),
        Key::new(
            "cache_write",
            Usd,
            "Input written to a cache for minutes; as `input` where absent.",
        ),
        Key::new(
            "cache_write_1h",
            Usd,
            "The same for an hour; as `cache_write` where absent.",
        ),
    ],
};

static LONG: Section = Section {
    noun: "long",
    keys: &[
        Key::new(
            "over",
            Integer(1, WINDOW),
            "Prompts with more tokens than this.",
        )
        .required(),
        Key::new("input", Usd, "Input that no cache has.").required(),
        Key::new("output", Usd, "Output, reasoning included.").required(),
        Key::new(
            "cache_read",
            Usd,
            "Input read from a cache; as `input` where absent.",
        ),
        Key::new(
            "cache_write",
            Usd,
            "Input written to a cache for minutes; as `input` where absent.",
        ),
        Key::new(
            "cache_write_1h",
            Usd,
            "The same for an hour; as `cache_write` where absent.",
        ),
    ],
};

static MONITORING: Section = Section {
    noun: "monitoring",
    keys: &[Key::new(
        "ring_buffer_size",
        Integer(1, 100_000),
        "How many recent requests `/control/requests` shows.",
    )
    .or(Number(1000))],
};

static EXEC: Section = Section {
    noun: "exec",
    keys: &[
        Key::new(
            "host",
            OneOf(&["gateway", "sandbox"]),
            "Where commands run: beside the gateway, or in a sandbox.",
        )
        .or(Word("gateway")),
        Key::new("sandbox", Table(&SANDBOX), "What they run in."),
    ],
};

static SANDBOX: Section = Section {
    noun: "exec sandbox",
    keys: &[
        Key::new("backend", OneOf(&["bubblewrap", "podman"]), "What makes the sandbox: namespaces of this machine's own file system, or a container of an image.").or(Word("bubblewrap")),
        Key::new("network", Boolean, "The machine's network; without it there is none.").or(Yes(false)),
        Key::new("writable", Texts, "Folders that can be written beside the command's own, absolute or below `~/`: caches of package managers, say.").or(Words(&[])),
        Key::new("image", Text, "The image, where podman is the back end. It has to be here; none is fetched."),
    ],
};

static TELEMETRY: Section = Section {
    noun: "telemetry",
    keys: &[
        Key::new(
            "metrics_public",
            Boolean,
            "`/metrics` answers without a token.",
        )
        .or(Yes(false)),
        Key::new("otlp_endpoint", Text, "An OpenTelemetry collector, such as `http://127.0.0.1:4318`: traces and metrics go to `/v1/traces` and `/v1/metrics` below it. `http://` with headers only to loopback.").hidden(),
        Key::new("otlp_headers", Map, "Headers sent to the collector, such as `Authorization`; better `\"${VAR}\"` than the value itself.").secret(),
        Key::new("otlp_interval_seconds", Seconds(1, 3600), "Between two exports of metrics; traces go out within a second.").or(Number(60)),
    ],
};
