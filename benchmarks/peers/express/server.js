// What the app's server used to run on: Express and mysql2, on the same MariaDB and the same rows.
// `node server.js`: answers on 127.0.0.1:PORT from the database at DATABASE_URL.

import { createHash, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import express from "express";
import mysql from "mysql2/promise";

const CONNECTIONS = 16;
const ITEMS_PER_PAGE = 20;
const ITEMS_PER_PAGE_MAX = 100;
const TOKEN_DAYS = 7;
const TOKEN_KEY_LENGTH = 15; // of which the table has an index
const SHOWN_STATUS = {
  initiated: "pending",
  pending: "pending",
  completed: "completed",
  failed: "failed",
  expired: "failed",
};

const ON_SALE = "SELECT COUNT(*) AS total FROM bundles_bundle WHERE is_active";
const PAGE = `
  SELECT bundle.id, owner_id, full_name AS owner_name, name, description, data_limit_gb, price,
    duration_days, max_connections, starts_on_first_use, bundle.is_active, picture,
    bundle.created_at
  FROM bundles_bundle AS bundle JOIN accounts_user AS owner ON owner.id = owner_id
  WHERE bundle.is_active ORDER BY price, bundle.id LIMIT ? OFFSET ?`;
const PERSON = `
  SELECT id, full_name, email, phone, phone_verified_at, role, language, created_at, password,
    is_active
  FROM accounts_user WHERE email = ?`;
const NEW_TOKEN = `
  INSERT INTO knox_authtoken (digest, token_key, user_id, created, expiry)
  VALUES (?, ?, ?, NOW(6), NOW(6) + INTERVAL ${TOKEN_DAYS} DAY)`;
const NEW_SESSION = `
  INSERT INTO accounts_session (token_id, device, begun_at) VALUES (?, ?, NOW(6))`;
const SIGNED_IN = `
  SELECT user_id FROM knox_authtoken JOIN accounts_user ON accounts_user.id = user_id
  WHERE digest = ? AND (expiry IS NULL OR expiry > NOW(6)) AND is_active`;
const PAYMENT = `
  SELECT payment.public_id, payment.payer_id, payment.subject, payment.amount, payment.currency,
    payment.payment_method, payment.from_credit, payment.state, payment.reason,
    payment.disposition, payment.reversed_at, payment.paid_amount, payment.created_at,
    payment.paid_at, attempt.reference, attempt.customer_phone, attempt.provider_transaction_id,
    purchase.bundle_id, bundle.name AS bundle_name, activation.withdrawn_at,
    purchase.gift_phone, gift.state AS gift_state
  FROM payments_payment AS payment
  LEFT JOIN mobile_money_transactions AS attempt ON attempt.payment_id = payment.id
  LEFT JOIN bundles_purchase AS purchase
    ON purchase.id = CAST(SUBSTRING(payment.subject, 10) AS UNSIGNED)
  LEFT JOIN bundles_bundle AS bundle ON bundle.id = purchase.bundle_id
  LEFT JOIN bundles_activation AS activation ON activation.purchase_id = purchase.id
  LEFT JOIN bundles_gift AS gift ON gift.purchase_id = purchase.id
  WHERE payment.payer_id = ? AND payment.public_id = ?
  ORDER BY attempt.id DESC LIMIT 1`;

const derive = promisify(pbkdf2);
const database = mysql.createPool({
  uri: process.env.DATABASE_URL,
  connectionLimit: CONNECTIONS,
  timezone: "Z",
  dateStrings: true, // microseconds, which a Date has not
});
const app = express();
app.disable("x-powered-by");
app.use(express.json());

app.get("/api/bundles", async (request, response) => {
  const page = Math.max(Number.parseInt(request.query.page, 10) || 1, 1);
  const asked = Number.parseInt(request.query.limit, 10) || ITEMS_PER_PAGE;
  const limit = Math.min(Math.max(asked, 1), ITEMS_PER_PAGE_MAX);
  const [[[{ total }]], [rows]] = await Promise.all([
    database.execute(ON_SALE),
    database.execute(PAGE, [String(limit), String((page - 1) * limit)]),
  ]);
  const pagination = {
    current_page: page,
    total_pages: Math.ceil(total / limit),
    total_items: total,
    items_per_page: limit,
  };
  succeed(response, "Bundles", { bundles: rows.map(bundle), pagination });
});

app.post("/api/auth/login", async (request, response) => {
  const { email = "", password = "" } = request.body ?? {};
  const [[person]] = await database.execute(PERSON, [String(email).trim().toLowerCase()]);
  if (!person?.is_active || !(await isRight(String(password), person.password))) {
    refuse(response, 401, "invalid_credentials");
    return;
  }
  const token = await newToken(person.id, request.get("user-agent") ?? "");
  succeed(response, "Welcome back.", { token, user: user(person) });
});

app.get("/api/payments/status/:id", async (request, response) => {
  const [scheme, token] = (request.get("authorization") ?? "").split(" ");
  if (scheme !== "Bearer" || !token) {
    refuse(response, 401, "not_authenticated");
    return;
  }
  const [[signedIn]] = await database.execute(SIGNED_IN, [digestOf(token)]);
  if (!signedIn) {
    refuse(response, 401, "not_authenticated");
    return;
  }
  const [[row]] = await database.execute(PAYMENT, [signedIn.user_id, request.params.id]);
  if (!row) {
    refuse(response, 404, "payment_not_found");
    return;
  }
  succeed(response, "Payment status", payment(row));
});

function succeed(response, message, data) {
  response.json({ success: true, message, data });
}

function refuse(response, status, code) {
  response.status(status).json({ success: false, message: code, code, errors: {} });
}

function bundle({ picture, ...row }) {
  return {
    id: row.id,
    owner_id: row.owner_id,
    owner_name: row.owner_name,
    name: row.name,
    description: row.description,
    data_limit_gb: row.data_limit_gb,
    price: row.price,
    duration_days: row.duration_days,
    max_connections: row.max_connections,
    starts_on_first_use: row.starts_on_first_use === 1,
    is_active: row.is_active === 1,
    picture_url: picture ? `/${picture}` : "",
    created_at: iso(row.created_at),
  };
}

function user(row) {
  return {
    id: row.id,
    full_name: row.full_name,
    email: row.email,
    phone: row.phone,
    phone_verified: row.phone_verified_at !== null,
    user_type: row.role === "customer" ? "client" : row.role,
    language: row.language,
    created_at: iso(row.created_at),
  };
}

function payment(row) {
  const lost = becameOf(row);
  return {
    payment_id: row.public_id,
    transaction_reference: row.reference ?? row.public_id,
    user_id: row.payer_id,
    bundle_id: row.bundle_id ?? 0,
    bundle_name: row.bundle_name ?? "",
    amount: row.amount,
    currency: row.currency,
    payment_method: row.payment_method,
    from_credit: row.from_credit,
    phone_number: row.customer_phone ?? "",
    status: lost ? "cancelled" : SHOWN_STATUS[row.state],
    state: lost || row.state,
    reason: row.reason,
    receipt: row.provider_transaction_id ?? "",
    gift_phone: row.gift_phone ?? "",
    created_at: iso(row.created_at),
    paid_at: row.paid_at && iso(row.paid_at),
  };
}

function becameOf(row) {
  if (row.reversed_at !== null) return "reversed";
  const isWithdrawn = row.withdrawn_at !== null || row.gift_state === "returned";
  if (row.disposition === "refunded" || (row.disposition === "fulfilled" && isWithdrawn)) return "refunded";
  const isShort = row.paid_amount !== null && row.paid_amount + row.from_credit < row.amount;
  return row.disposition === "credited" || isShort ? "credited" : "";
}

function iso(text) {
  const [day, time] = text.split(" ");
  return `${day}T${time.replace(/\.000000$/, "")}Z`;
}

// As Django stores it: pbkdf2_sha256$iterations$salt$base64. It is worked out on libuv's threads.
async function isRight(password, stored) {
  const [, iterations, salt, kept] = stored.split("$");
  const expected = Buffer.from(kept, "base64");
  const found = await derive(password, salt, Number(iterations), expected.length, "sha256");
  return timingSafeEqual(found, expected);
}

async function newToken(userId, device) {
  const token = randomBytes(32).toString("hex");
  const digest = digestOf(token);
  const connection = await database.getConnection();
  try {
    await connection.beginTransaction();
    await connection.execute(NEW_TOKEN, [digest, token.slice(0, TOKEN_KEY_LENGTH), userId]);
    await connection.execute(NEW_SESSION, [digest, device.slice(0, 200)]);
    await connection.commit();
  } catch (error) {
    await connection.rollback();
    throw error;
  } finally {
    connection.release();
  }
  return token;
}

function digestOf(token) {
  return createHash("sha512").update(token).digest("hex");
}

app.listen(Number(process.env.PORT), "127.0.0.1");
