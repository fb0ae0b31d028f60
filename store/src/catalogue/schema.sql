-- Everything here can be made again from the objects. Digests are 32 bytes; an object is its kind (one byte) and digest.

CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- What names stand for now (ended IS NULL) and stood for before (tombstones, until a collection purges them).
CREATE TABLE entries (
    sequence INTEGER PRIMARY KEY,
    name     TEXT NOT NULL,
    record   BLOB NOT NULL,
    manifest BLOB NOT NULL,
    identity BLOB NOT NULL,
    class    TEXT NOT NULL,
    bytes    INTEGER NOT NULL, -- of the source
    rate     REAL NOT NULL,    -- frames per second, about
    ended    INTEGER
);
CREATE UNIQUE INDEX entries_live ON entries (name) WHERE ended IS NULL;
CREATE INDEX entries_ended ON entries (name, ended) WHERE ended IS NOT NULL;
CREATE INDEX entries_manifest ON entries (manifest);

CREATE TABLE manifests (
    id       BLOB PRIMARY KEY,
    identity BLOB NOT NULL,
    root     BLOB NOT NULL,    -- of its frames
    codec    BLOB NOT NULL,
    quality  INTEGER NOT NULL,
    lossless INTEGER NOT NULL,
    frames   INTEGER NOT NULL,
    width    INTEGER NOT NULL,
    height   INTEGER NOT NULL,
    bytes    INTEGER NOT NULL  -- of its segments and side streams
) WITHOUT ROWID;
CREATE INDEX manifests_identity ON manifests (identity);
CREATE INDEX manifests_root ON manifests (root);
CREATE INDEX manifests_codec ON manifests (codec, quality);

-- Frames key to segment: what need not be encoded again.
CREATE TABLE keys (
    key      BLOB PRIMARY KEY,
    segment  BLOB NOT NULL,
    manifest BLOB             -- that brought it in
) WITHOUT ROWID;
CREATE INDEX keys_segment ON keys (segment);

-- Descriptors by the root of the frames that they describe and by their model. What is in their objects is here, too, so
-- that a search reads one file.
CREATE TABLE descriptors (
    id     INTEGER PRIMARY KEY,
    root   BLOB NOT NULL,
    model  BLOB NOT NULL,
    object BLOB NOT NULL,
    rate   REAL NOT NULL,      -- frames per second, about
    picked BLOB NOT NULL       -- the object
);
CREATE UNIQUE INDEX descriptors_key ON descriptors (root, model);
CREATE INDEX descriptors_object ON descriptors (object, root);

-- The journal.
CREATE TABLE events (sequence INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT, record BLOB NOT NULL);
CREATE INDEX events_record ON events (record);

-- Operations under way, and the objects that they rely upon.
CREATE TABLE leases (id INTEGER PRIMARY KEY, holder TEXT NOT NULL, expires INTEGER NOT NULL);
CREATE TABLE pins (lease INTEGER NOT NULL, object BLOB NOT NULL, PRIMARY KEY (lease, object)) WITHOUT ROWID;
CREATE INDEX pins_object ON pins (object);

-- Objects that nothing referred to at the last mark, since when.
CREATE TABLE quarantine (object BLOB PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID;

-- Pairs of identities that are no duplicates.
CREATE TABLE distinct_pairs (a BLOB NOT NULL, b BLOB NOT NULL, PRIMARY KEY (a, b)) WITHOUT ROWID;
