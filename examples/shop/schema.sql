-- The shop as it stands on the day this script runs, which is the day a job first asks for it.
-- Times are UTC text as SQLite writes it; money is whole cents of a euro. Every statement ends with its line.

CREATE TABLE products (
    sku         TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    category    TEXT NOT NULL,
    price_cents INTEGER NOT NULL CHECK (price_cents >= 0),
    stock       INTEGER NOT NULL CHECK (stock >= 0),
    is_active   BOOLEAN NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    updated_at  TIMESTAMP NOT NULL DEFAULT (datetime('now'))
);

CREATE TABLE customers (
    id                    INTEGER PRIMARY KEY,
    name                  TEXT NOT NULL,
    email                 TEXT NOT NULL UNIQUE,
    newsletter_subscribed BOOLEAN NOT NULL DEFAULT 0 CHECK (newsletter_subscribed IN (0, 1)),
    deleted_at            TIMESTAMP
);

CREATE TABLE carts (
    id          INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    expires_at  TEXT NOT NULL
);

CREATE TABLE cart_lines (
    cart_id  INTEGER NOT NULL REFERENCES carts (id) ON DELETE CASCADE,
    sku      TEXT NOT NULL REFERENCES products (sku),
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (cart_id, sku)
);

CREATE TABLE orders (
    number      INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    placed_at   TEXT NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('paid', 'cancelled')),
    settled_at  TEXT
);

CREATE TABLE order_lines (
    order_number     INTEGER NOT NULL REFERENCES orders (number),
    sku              TEXT NOT NULL REFERENCES products (sku),
    quantity         INTEGER NOT NULL CHECK (quantity > 0),
    unit_price_cents INTEGER NOT NULL CHECK (unit_price_cents >= 0),
    PRIMARY KEY (order_number, sku)
);

-- When the last complete sync with a source began: ISO 8601 with offset, to the microsecond.
CREATE TABLE syncs (
    source    TEXT PRIMARY KEY,
    synced_at TEXT NOT NULL
);

INSERT INTO products (sku, name, category, price_cents, stock) VALUES
    ('TEA-001', 'Assam Mokalbari, 100 g',       'tea',     890, 64),
    ('TEA-002', 'Darjeeling First Flush, 100 g', 'tea',   1490, 22),
    ('TEA-003', 'Earl Grey Imperial, 100 g',    'tea',     790, 80),
    ('TEA-004', 'Sencha Kagoshima, 100 g',      'tea',    1250, 35),
    ('TEA-005', 'Jasmine Pearls, 100 g',        'tea',    1690, 18),
    ('TEA-006', 'Rooibos Vanilla, 100 g',       'tea',     590, 95),
    ('TEA-007', 'Peppermint, 75 g',             'tea',     490, 110),
    ('TEA-008', 'Lapsang Souchong, 100 g',      'tea',     990, 14),
    ('COF-001', 'Ethiopia Yirgacheffe, 250 g',  'coffee', 1190, 48),
    ('COF-002', 'Colombia Huila, 250 g',        'coffee',  990, 72),
    ('COF-003', 'Sumatra Mandheling, 250 g',    'coffee', 1090, 30),
    ('COF-004', 'Harbour Espresso, 1 kg',       'coffee', 2690, 41),
    ('COF-005', 'Decaf Mexico, 250 g',          'coffee', 1050, 26),
    ('COF-006', 'Kenya Nyeri AA, 250 g',        'coffee', 1350, 0),
    ('WAR-001', 'Cast-Iron Teapot, 0.8 l',      'ware',   5900, 7),
    ('WAR-002', 'Glass Teapot, 1.2 l',          'ware',   3450, 12),
    ('WAR-003', 'Hand Grinder',                 'ware',   7900, 5),
    ('WAR-004', 'Pour-Over Dripper',            'ware',   1990, 19),
    ('WAR-005', 'Paper Filters, 100 pieces',    'ware',    450, 160),
    ('WAR-006', 'Bamboo Whisk',                 'ware',   1590, 9);

-- The last one's address has a typing error, as in every list of addresses.
INSERT INTO customers (id, name, email, newsletter_subscribed, deleted_at) VALUES
    ( 1, 'Anna Petersen',    'anna.petersen@example.com',  1, NULL),
    ( 2, 'Jürgen Maas',      'juergen.maas@example.org',   1, NULL),
    ( 3, 'Chloé Lambert',    'chloe.lambert@example.net',  1, NULL),
    ( 4, 'Mateusz Nowak',    'mateusz.nowak@example.com',  0, NULL),
    ( 5, 'Ingrid Solberg',   'ingrid.solberg@example.org', 1, NULL),
    ( 6, 'Tomás Ferreira',   'tomas.ferreira@example.com', 1, NULL),
    ( 7, 'Aoife Byrne',      'aoife.byrne@example.net',    0, NULL),
    ( 8, 'Giulia Conti',     'giulia.conti@example.com',   1, NULL),
    ( 9, 'Pieter de Vries',  'pieter.devries@example.org', 1, NULL),
    (10, 'Zoë Martens',      'zoe.martens@example.com',    1, datetime('now', '-40 days')),
    (11, 'Henrik Lund',      'henrik.lund@example.net',    0, NULL),
    (12, 'Sara Kovács',      'sara.kovacs@example.com',    1, NULL),
    (13, 'Elias Virtanen',   'elias.virtanen@example.org', 1, NULL),
    (14, 'Marta Oliveira',   'marta.oliveira@example.com', 0, NULL),
    (15, 'Yasmin Haddad',    'yasmin.haddad@example.net',  1, NULL),
    (16, 'Oliver Grant',     'oliver.grant@example.com',   1, NULL),
    (17, 'Nils Aaberg',      'nils.aaberg@example,com',    1, NULL);

-- Some have expired, two more do within the first minutes, the others are fresh.
INSERT INTO carts (id, customer_id, expires_at) VALUES
    (1,  1, datetime('now', '-9 days')),
    (2,  4, datetime('now', '-3 days')),
    (3,  7, datetime('now', '-26 hours')),
    (4,  8, datetime('now', '-2 hours')),
    (5, 11, datetime('now', '-5 minutes')),
    (6, 12, datetime('now', '+30 seconds')),
    (7, 13, datetime('now', '+90 seconds')),
    (8,  2, datetime('now', '+6 hours')),
    (9,  5, datetime('now', '+2 days')),
    (10, 15, datetime('now', '+7 days'));

INSERT INTO cart_lines (cart_id, sku, quantity) VALUES
    (1, 'TEA-001', 2), (1, 'WAR-002', 1), (2, 'COF-004', 1), (3, 'TEA-006', 3), (3, 'TEA-007', 1), (4, 'WAR-003', 1),
    (5, 'COF-001', 2), (5, 'WAR-005', 1), (6, 'TEA-003', 1), (7, 'COF-002', 4), (8, 'TEA-002', 1), (8, 'TEA-005', 1),
    (9, 'WAR-001', 1), (9, 'TEA-004', 2), (10, 'COF-003', 1);

-- Six orders were placed yesterday, whenever that is: the sales report has something to say.
INSERT INTO orders (number, customer_id, placed_at, status) VALUES
    (1001,  1, date('now', '-6 days') || ' 08:41:10', 'paid'),
    (1002,  3, date('now', '-6 days') || ' 17:05:52', 'paid'),
    (1003,  9, date('now', '-5 days') || ' 10:22:31', 'paid'),
    (1004,  2, date('now', '-5 days') || ' 21:47:03', 'cancelled'),
    (1005,  5, date('now', '-4 days') || ' 07:15:44', 'paid'),
    (1006, 12, date('now', '-4 days') || ' 12:30:00', 'paid'),
    (1007,  8, date('now', '-3 days') || ' 09:58:27', 'paid'),
    (1008, 16, date('now', '-3 days') || ' 19:12:09', 'paid'),
    (1009, 14, date('now', '-2 days') || ' 11:03:36', 'paid'),
    (1010,  6, date('now', '-2 days') || ' 15:26:18', 'paid'),
    (1011, 13, date('now', '-1 day')  || ' 00:00:00', 'paid'),
    (1012,  1, date('now', '-1 day')  || ' 08:09:55', 'paid'),
    (1013,  7, date('now', '-1 day')  || ' 12:44:21', 'cancelled'),
    (1014, 15, date('now', '-1 day')  || ' 13:37:40', 'paid'),
    (1015,  2, date('now', '-1 day')  || ' 18:20:02', 'paid'),
    (1016,  4, date('now', '-1 day')  || ' 23:59:59', 'paid'),
    (1017,  5, date('now') || ' 00:00:00', 'paid');

INSERT INTO order_lines (order_number, sku, quantity, unit_price_cents) VALUES
    (1001, 'TEA-001', 2,  890), (1001, 'WAR-002', 1, 3450),
    (1002, 'COF-004', 1, 2690),
    (1003, 'TEA-003', 3,  790), (1003, 'TEA-007', 2,  490), (1003, 'WAR-005', 1, 450),
    (1004, 'WAR-001', 1, 5900),
    (1005, 'COF-001', 2, 1190), (1005, 'WAR-004', 1, 1990),
    (1006, 'TEA-005', 1, 1690),
    (1007, 'COF-002', 4,  990), (1007, 'TEA-004', 2, 1250),
    (1008, 'WAR-003', 1, 7900), (1008, 'COF-003', 1, 1090),
    (1009, 'TEA-002', 1, 1490), (1009, 'TEA-006', 2,  590),
    (1010, 'COF-005', 3, 1050),
    (1011, 'TEA-001', 1,  890), (1011, 'TEA-008', 1,  990),
    (1012, 'COF-004', 2, 2690), (1012, 'WAR-005', 3,  450),
    (1013, 'WAR-003', 1, 7900),
    (1014, 'WAR-001', 1, 5900), (1014, 'TEA-004', 1, 1250), (1014, 'WAR-006', 1, 1590),
    (1015, 'COF-001', 1, 1190), (1015, 'COF-002', 2,  990), (1015, 'TEA-001', 3,  890),
    (1016, 'TEA-007', 5,  490),
    (1017, 'COF-003', 2, 1090);

-- Says that the shop is filled.
PRAGMA user_version = 1;
