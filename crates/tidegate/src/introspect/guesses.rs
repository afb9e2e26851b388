//! What names of tables and columns say, as lists to extend: who is a person, what is secret.
//!
//! A phrase is words with a space between them, in small letters, accents left out (`strasse`,
//! `prenom`). It is found in a column's name however that is spelled: `first_name`, `FirstName`,
//! `customerFirstName` and `firstname` all hold `first name`.

use tidegate_batch::DataType;

/// What kind of values a guess is about; a boolean `email_verified` is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Values {
    /// Text, or a JSON document.
    Text,
    /// Text or a number.
    TextOrNumber,
    /// A day, or a text that tells one.
    Day,
    /// Text or octets.
    TextOrBytes,
}

impl Values {
    /// Whether a column of that type can hold such values.
    pub(super) fn fit(self, data_type: &DataType) -> bool {
        let is_text = matches!(data_type, DataType::Text | DataType::Json);
        match self {
            Self::Text => is_text,
            Self::TextOrNumber => is_text || data_type.is_number(),
            Self::Day => is_text || data_type.is_temporal(),
            Self::TextOrBytes => is_text || matches!(data_type, DataType::Bytes),
        }
    }
}

/// Where a phrase counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In any table.
    Anywhere,
    /// In tables of persons, and after a word of [`PARTIES`]: a product has a name too.
    OfPersons,
}

/// One class of personal data, and how its columns are called.
pub(super) struct Guess {
    /// The class, as `pii` has it.
    pub(super) class: &'static str,
    pub(super) values: Values,
    pub(super) place: Place,
    /// Whether such a column stays in the default set: what a list of people is read by does.
    pub(super) is_default: bool,
    pub(super) phrases: &'static [&'static str],
}

const fn anywhere(class: &'static str, values: Values, phrases: &'static [&'static str]) -> Guess {
    Guess { class, values, place: Place::Anywhere, is_default: false, phrases }
}

const fn of_persons(
    class: &'static str,
    values: Values,
    phrases: &'static [&'static str],
) -> Guess {
    Guess { class, values, place: Place::OfPersons, is_default: false, phrases }
}

const fn shown(guess: Guess) -> Guess {
    Guess { is_default: true, ..guess }
}

/// Classes of personal data; the first that fits is taken, so the narrow ones come first.
#[rustfmt::skip]
pub(super) static PII: &[Guess] = &[
    shown(anywhere(
        "email",
        Values::Text,
        &[
            "email", "e mail", "mail", "mail address", "email address", "courriel", "correo",
            "correo electronico", "epost", "e post", "sahkoposti", "pochta", "почта",
            "メール", "メールアドレス", "邮箱", "电子邮件",
        ],
    )),
    anywhere(
        "ip",
        Values::Text,
        &[
            "ip", "ip address", "ip addr", "ipv4", "ipv6", "remote addr", "remote address",
            "client addr",
        ],
    ),
    anywhere(
        "device",
        Values::Text,
        &[
            "mac address", "macaddr", "imei", "imsi", "idfa", "gaid", "advertising id", "device id",
            "device token", "push token", "fingerprint",
        ],
    ),
    shown(anywhere(
        "phone",
        Values::TextOrNumber,
        &[
            "phone", "phone number", "phone no", "telephone", "telefon", "telefone", "telefono",
            "telefoon", "tel", "tel no", "mobile", "mobile no", "mobile number", "mobil", "handy",
            "cell phone", "cellphone", "portable", "celular", "movil", "fax", "gsm",
            "whatsapp", "msisdn", "телефон", "电话", "手机", "電話", "電話番号",
        ],
    )),
    anywhere(
        "birth_date",
        Values::Day,
        &[
            "birth date", "birthdate", "date of birth", "birth day", "birthday", "dob", "born",
            "born on", "born at", "geburtsdatum", "geburtstag", "geboren", "date naissance",
            "date de naissance", "fecha nacimiento", "fecha de nacimiento", "data nascimento",
            "data de nascimento", "data nascita", "data di nascita", "geboortedatum",
            "fodelsedatum",
            "data urodzenia", "дата рождения", "生年月日", "生日", "出生日期",
        ],
    ),
    anywhere(
        "national_id",
        Values::TextOrNumber,
        &[
            "ssn", "social security", "social security no", "social security number", "national id",
            "national insurance", "nino", "tax id", "tax no", "tax number", "taxpayer id", "tin",
            "vat id", "vat no", "vat number", "passport", "passport no", "passport number",
            "identity card", "identity number", "id card", "id number", "driver license",
            "drivers license", "driving licence", "license number", "steuernummer", "steuer id",
            "steuer nr", "ust id", "ust idnr", "personalausweis", "sozialversicherungsnummer",
            "svnr",
            "ahv", "cpf", "cnpj", "nif", "nie", "dni", "cuit", "curp", "codice fiscale",
            "partita iva",
            "numero secu", "insee", "nir", "bsn", "personnummer", "fodselsnummer", "pesel",
            "rodne cislo",
            "aadhaar", "инн", "снилс", "паспорт", "身份证", "マイナンバー",
        ],
    ),
    anywhere(
        "card",
        Values::TextOrNumber,
        &[
            "card number", "card no", "card num", "credit card", "creditcard", "cc number", "cc no",
            "cc num", "pan", "card last4", "card last 4", "last4", "card holder", "cardholder",
            "kreditkarte", "kartennummer", "carte bancaire", "tarjeta",
        ],
    ),
    anywhere(
        "bank",
        Values::TextOrNumber,
        &[
            "iban", "bic", "swift", "bank account", "account number", "account no",
            "routing number",
            "sort code", "kontonummer", "konto nr", "blz", "bankleitzahl", "compte bancaire",
            "cuenta bancaria", "clabe", "银行卡",
        ],
    ),
    anywhere(
        "geo",
        Values::TextOrNumber,
        &[
            "latitude", "longitude", "lat", "lng", "lat lng", "geo", "geolocation", "geo location",
            "geo point", "gps", "coordinates", "coords", "koordinaten",
        ],
    ),
    shown(anywhere(
        "name",
        Values::Text,
        &[
            "first name", "last name", "full name", "given name", "family name", "middle name",
            "maiden name", "birth name", "surname", "forename", "nick name", "nickname",
            "user name",
            "username", "login name", "legal name", "contact name", "customer name", "client name",
            "author name", "owner name", "employee name", "patient name", "student name",
            "member name",
            "guest name", "sender name", "recipient", "recipient name", "billing name",
            "shipping name",
            "holder name", "account holder", "contact person", "author", "sender", "payee",
            "beneficiary", "vorname", "nachname",
            "familienname",
            "ansprechpartner", "empfanger", "empfaenger", "prenom", "nom complet", "nom famille",
            "nombres",
            "apellido", "apellidos", "nombre completo", "cognome", "nome completo", "sobrenome",
            "voornaam", "achternaam", "fornamn", "efternamn", "fornavn", "etternavn", "imie",
            "nazwisko", "jmeno", "prijmeni", "имя", "фамилия", "отчество", "氏名", "姓名", "姓", "名前",
        ],
    )),
    shown(of_persons(
        "name",
        Values::Text,
        &[
            "name", "name1", "name2", "display name", "login", "nom", "nome", "nombre", "naam",
            "namn",
            "navn", "名", "screen name", "initials",
        ],
    )),
    anywhere(
        "address",
        Values::Text,
        &[
            "address", "address1", "address2", "address line", "address line1", "address line2",
            "addr",
            "addr1", "addr2", "street", "street1", "street2", "street name", "street address",
            "house number", "house no", "postal address", "home address", "mailing address",
            "strasse",
            "str nr", "hausnummer", "hausnr", "anschrift", "adresse", "rue", "direccion", "calle",
            "endereco", "logradouro", "rua", "indirizzo", "adres", "straat", "huisnummer",
            "gata", "adress", "ulica", "адрес", "улица", "住所", "地址",
        ],
    ),
    of_persons(
        "address",
        Values::TextOrNumber,
        &[
            "zip", "zip code", "zipcode", "postcode", "post code", "postal code", "plz",
            "postleitzahl",
            "code postal", "codigo postal", "cep", "cap", "postnummer", "kod pocztowy", "city",
            "town",
            "ort", "stadt", "wohnort", "ville", "ciudad", "cidade", "citta", "stad", "miasto",
            "город",
            "location", "郵便番号", "邮编",
        ],
    ),
    of_persons(
        "sensitive",
        Values::TextOrNumber,
        &[
            "gender", "sex", "geschlecht", "salutation", "anrede", "civilite", "religion",
            "confession", "konfession", "ethnicity",
            "race",
            "nationality", "marital status", "disability", "diagnosis", "diagnose", "blood type",
            "health", "medication", "allergies", "political", "union member", "sexual orientation",
            "salary", "income", "gehalt",
        ],
    ),
];

/// Types of databases whose every column is personal data, by the beginning of their names.
#[rustfmt::skip]
pub(super) static PII_TYPES: &[(&str, &str)] =
    &[("inet", "ip"), ("cidr", "ip"), ("macaddr", "device"), ("point", "geo"), ("geogr", "geo")];

/// What lets somebody in. Such a column is internal whatever else it is.
#[rustfmt::skip]
pub(super) static SECRETS: &[&str] = &[
    "password", "passwd", "pass", "passwort", "pass word", "pwd", "passphrase", "pass phrase",
    "passcode",
    "pass hash", "password hash", "password digest", "encrypted password", "kennwort",
    "mot de passe", "mdp", "contrasena", "senha", "wachtwoord", "losenord", "haslo",
    "пароль", "密码", "パスワード", "secret", "client secret", "token", "api key", "apikey", "access key",
    "auth key", "private key", "secret key", "signing key", "session key", "encryption key",
    "credential", "credentials", "otp", "totp", "otp seed", "mfa secret", "two factor", "2fa",
    "recovery code", "recovery codes", "backup codes", "security answer", "security question",
    "salt", "nonce", "csrf", "cvv", "cvc", "pin", "pin code", "verification code",
    "confirmation code", "reset code", "activation code", "activation key",
];

/// A phrase that one of these follows is about something else: `email_status`, `address_id`.
#[rustfmt::skip]
pub(super) static QUALIFIERS: &[&str] = &[
    "id", "ids", "uuid", "count", "counts", "type", "kind", "status", "state", "template",
    "subject",
    "body", "verified", "confirmed", "enabled", "required", "format", "provider", "version",
    "domain",
    "country", "language", "at", "on", "by", "expires", "expiry", "ttl", "length", "size", "limit",
    "used", "valid", "rate", "amount", "class", "group", "list", "queue", "settings", "preference",
    "preferences", "category",
];

/// Tables whose rows are persons, by the last word of their names.
#[rustfmt::skip]
pub(super) static PERSONS: &[&str] = &[
    "user", "users", "customer", "customers", "client", "clients", "member", "members", "person",
    "persons", "people", "contact", "contacts", "employee", "employees", "staff", "patient",
    "patients",
    "student", "students", "teacher", "teachers", "subscriber", "subscribers", "lead", "leads",
    "author", "authors", "guest", "guests", "visitor", "visitors", "applicant", "applicants",
    "candidate", "candidates", "donor", "donors", "participant", "participants", "attendee",
    "attendees",
    "passenger", "passengers", "tenant", "tenants", "resident", "residents", "profile", "profiles",
    "recipient", "recipients", "driver", "drivers", "owner", "owners", "player", "players", "voter",
    "voters", "admin", "admins", "account", "accounts", "address", "addresses", "kunde", "kunden",
    "benutzer", "nutzer", "mitarbeiter", "mitglied", "mitglieder", "personen", "kontakt",
    "kontakte",
    "adressen", "utilisateur", "utilisateurs", "clienti", "cliente", "clientes", "usuario",
    "usuarios",
    "empleado", "empleados", "contacto", "contactos", "adherent", "adherents", "klant", "klanten",
    "gebruiker", "gebruikers", "medlem", "anvandare", "kund", "kunder", "pessoa", "pessoas",
    "utente",
    "utenti", "пользователи", "клиенты", "用户", "顧客",
];

/// Words before a name or a place that make it somebody's: `ship_city`, `billing_name`.
#[rustfmt::skip]
pub(super) static PARTIES: &[&str] = &[
    "ship", "shipping", "bill", "billing", "delivery", "invoice", "home", "work", "mailing",
    "postal",
    "private", "contact", "customer", "client", "user", "member", "person", "author", "owner",
    "recipient", "sender", "guest", "patient", "student", "employee", "donor", "to", "kunden",
    "liefer", "rechnungs", "livraison", "facturation", "envio", "entrega",
];

/// Tables of what visitors do: personal data only where the visitor is known.
#[rustfmt::skip]
pub(super) static VISITS: &[&str] = &[
    "view", "views", "visit", "visits", "hit", "hits", "event", "events", "session", "sessions",
    "click",
    "clicks", "impression", "impressions", "pageview", "pageviews", "search", "searches",
    "download",
    "downloads",
];

/// Tables whose rows belong to one row of another, by the last word of their names.
#[rustfmt::skip]
pub(super) static LINES: &[&str] = &[
    "line", "lines", "item", "items", "entry", "entries", "detail", "details", "position",
    "positions",
    "row", "rows", "part", "parts", "lineitem", "lineitems", "zeile", "zeilen", "positionen",
    "posten",
    "ligne", "lignes", "linea", "lineas", "detalle", "detalles", "itens", "righe",
    "regels", "rader", "pozycje",
];

/// Tables of tools, which nobody exports: by whole name, or by beginning where `*` ends it.
#[rustfmt::skip]
pub(super) static TOOL_TABLES: &[&str] = &[
    "__diesel_schema_migrations", "__drizzle_migrations", "__efmigrationshistory",
    "_prisma_migrations",
    "_sqlx_migrations", "account_emailconfirmation", "active_storage_variant_records",
    "alembic_version",
    "ar_internal_metadata", "atdatabases_migrations_applied", "auth_group_permissions",
    "auth_permission", "auth_user_user_permissions", "authtoken_token", "cache", "cache_entries",
    "cache_locks", "changelog", "databasechangelog", "databasechangeloglock", "delayed_jobs",
    "django_cache", "django_celery_*", "django_content_type", "django_migrations", "django_session",
    "doctrine_migration_versions", "ecto_schema_migrations", "failed_jobs", "flyway_schema_history",
    "geography_columns", "geometry_columns", "goose_db_version", "gorp_migrations", "good_job*",
    "graphile_worker*", "job_batches", "jobs", "knex_migrations", "knex_migrations_lock",
    "messenger_messages", "migrations", "mikro_orm_migrations", "oauth_access_tokens",
    "oauth_auth_codes", "oauth_refresh_tokens", "oban_jobs", "oban_peers", "password_reset_tokens",
    "password_resets", "personal_access_tokens", "pg_stat_*", "phinxlog", "php_sessions",
    "raster_columns", "raster_overviews", "river_job", "river_leader", "river_migration",
    "rails_schema_migrations", "refinery_schema_history", "schema_info", "schema_migration",
    "schema_migrations", "schema_version", "seaql_migrations", "sequelizemeta", "session",
    "sessions",
    "social_auth_*", "solid_cache_*", "solid_queue_*", "spatial_ref_sys", "sqlite_*", "telescope_*",
    "thumbnail_kvstore", "typeorm_metadata", "user_sessions", "wp_actionscheduler_*",
];

/// Columns that a date range most likely means, the likeliest first.
#[rustfmt::skip]
pub(super) static DATES: &[&str] = &[
    "placed", "ordered", "order date", "booked", "invoiced", "invoice date", "sent", "viewed",
    "occurred", "happened", "event time", "event date", "published", "posted", "post date",
    "uploaded",
    "date joined", "joined", "registered", "registered at", "signed up", "created", "created at",
    "creation date", "create time", "createtime", "created on", "inserted", "added", "angelegt",
    "erstellt", "cree le", "date creation", "fecha creacion", "fecha", "datum", "date", "day",
    "time",
    "timestamp", "started", "start date", "updated", "modified", "changed",
];

/// Columns that people look for records by.
#[rustfmt::skip]
pub(super) static SOUGHT: &[&str] = &[
    "name", "title", "email", "e mail", "mail", "number", "no", "nr", "nummer", "rechnungsnummer",
    "auftragsnummer", "bestellnummer", "artikelnummer",
    "kundennummer", "code", "sku",
    "slug",
    "reference", "ref", "subject", "label", "login", "username", "user name", "first name",
    "last name",
    "full name", "family name", "surname", "vorname", "nachname", "nom", "titre", "titulo", "titel",
    "bezeichnung", "nombre", "path", "filename", "isbn", "ean",
];

/// Columns of few values, which a request may name directly: `{"status": "paid"}`.
#[rustfmt::skip]
pub(super) static FACETS: &[&str] = &[
    "status", "state", "role", "category", "type", "kind", "channel", "currency", "country",
    "language",
    "locale", "priority", "plan", "stage", "severity", "department",
];

/// Columns that name a record when another table refers to it, the likeliest first. Failing these,
/// any that ends in `name` or `title` does.
#[rustfmt::skip]
pub(super) static NAMING: &[&str] = &[
    "display name", "full name", "name", "title", "label", "username", "user name", "login",
    "email",
    "last name", "family name", "surname", "nachname", "number", "code", "sku", "slug",
    "bezeichnung",
    "nom", "nombre", "titel",
];

/// Columns too long, or too technical, for a list of records, by the end of their names.
#[rustfmt::skip]
pub(super) static LONG: &[&str] = &[
    "body", "content", "html", "markdown", "text", "description", "payload", "raw", "metadata",
    "meta",
    "settings", "options", "config", "preferences", "properties", "extra", "blob", "bio", "note",
    "notes",
    "comment", "comments", "remarks", "message", "user agent", "search vector", "deleted",
    "deleted at",
    "lock version", "updated", "updated at", "modified", "modified at",
];

/// Types too long for a list of records, by the beginning of their names.
#[rustfmt::skip]
pub(super) static LONG_TYPES: &[&str] = &[
    "bytea", "blob", "tinyblob", "mediumblob", "longblob", "binary", "varbinary", "image", "json",
    "jsonb", "xml", "mediumtext", "longtext", "clob", "tsvector", "vector", "geometry", "geography",
];

/// Words that are written in capitals.
#[rustfmt::skip]
pub(super) static ACRONYMS: &[&str] = &[
    "api", "bic", "bsn", "cpf", "css", "csv", "dni", "ean", "gps", "gtin", "html", "iban", "id",
    "ip",
    "isbn", "json", "mac", "mfa", "nif", "pdf", "plz", "pnr", "seo", "sha", "sku", "sms", "ssn",
    "tin",
    "upc", "uri", "url", "utm", "uuid", "vat", "xml", "zip",
];
