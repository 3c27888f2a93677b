// The plain page for signing in: works without the console, and takes one-time links. The link's token stands behind the #,
// which no server sees; it is taken out of the address at once.
"use strict";
const $ = (id) => document.getElementById(id);
const forms = ["password-form", "code-form", "link-form"];
const token = location.hash.slice(1);
if (token) history.replaceState(null, "", location.pathname);
let csrf = "";

function show(id) {
  for (const one of [...forms, "me"]) $(one).hidden = one !== id;
  const first = $(id).querySelector("input:not([hidden])");
  if (first) first.focus();
}

function say(text, wrong) {
  $("said").textContent = text || "";
  $("said").className = wrong ? "wrong" : "";
}

async function call(method, path, body) {
  const headers = { "content-type": "application/json" };
  if (csrf) headers["x-csrf-token"] = csrf;
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body), credentials: "same-origin" });
  const told = answer.status === 204 ? {} : await answer.json();
  if (!answer.ok) throw Object.assign(new Error(told.detail), { problem: told });
  if (told.csrf_token) csrf = told.csrf_token;
  return told;
}

function on(id, work) {
  $(id).addEventListener("submit", async (event) => {
    event.preventDefault();
    say("");
    const given = Object.fromEntries([...new FormData(event.target)].filter(([, value]) => value));
    try {
      await work(given);
    } catch (error) {
      say(error.message, true);
    }
  });
}

async function entered(told) {
  if (told.status === "second_factor_needed") return show("code-form");
  const me = await call("GET", "/v1/me");
  $("who").textContent = `${me.name} (${me.login}) · ${me.role}`;
  $("factor-form").hidden = Boolean(me.second_factor_since);
  show("me");
  if (me.second_factor_to_set_up) say("Set up a second factor before anything else. · 请先设置双因素。");
}

on("password-form", async (given) => entered(await call("POST", "/v1/sign-in", given)));
on("code-form", async ({ code }) => {
  const plain = code.trim();
  const shown = /^\d{6}$/.test(plain) ? { code: plain } : { recovery_code: plain };
  await entered(await call("POST", "/v1/sign-in/second-factor", shown));
});
on("link-form", async (given) => {
  try {
    await entered(await call("POST", "/v1/sign-in/link", { token, ...given }));
  } catch (error) {
    const wanted = (error.problem && error.problem.errors) || [];
    if (wanted.some((one) => one.pointer === "#/login" && one.code === "missing")) $("first").hidden = false;
    throw error;
  }
});
on("factor-form", async (given) => {
  const told = await call("POST", "/v1/me/second-factor", given);
  $("qr").src = "data:image/svg+xml;utf8," + encodeURIComponent(told.qr_svg);
  $("secret").textContent = told.secret.match(/.{1,4}/g).join(" ");
  $("factor-form").hidden = true;
  $("confirm-form").hidden = false;
});
on("confirm-form", async ({ code }) => {
  const told = await call("POST", "/v1/me/second-factor/confirm", { code: code.replaceAll(" ", "") });
  $("code-list").textContent = told.recovery_codes.join("\n");
  $("confirm-form").hidden = true;
  $("codes").hidden = false;
});
$("sign-out").addEventListener("click", async () => {
  await call("POST", "/v1/sign-out");
  location.reload();
});

if (token) show("link-form");
else call("GET", "/v1/me").then(() => entered({})).catch(() => show("password-form"));
