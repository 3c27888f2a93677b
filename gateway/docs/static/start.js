window.addEventListener("load", () => {
  const chinese = document.documentElement.lang === "zh-CN";
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const shade = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", shade);
  shade();
  window.ui = SwaggerUIBundle({
    url: chinese ? "/openapi.zh-CN.json" : "/openapi.json",
    dom_id: "#docs",
    deepLinking: true,
    docExpansion: "none",
    defaultModelsExpandDepth: 0,
    filter: true,
    persistAuthorization: false,
    tryItOutEnabled: true,
    validatorUrl: null,
  });
  // Authorize opens on the field for the key: whoever pastes it needs no mouse.
  let open = false;
  new MutationObserver(() => {
    const field = document.querySelector(".dialog-ux .auth-container input");
    if (field && !open) field.focus();
    open = Boolean(field);
  }).observe(document.getElementById("docs"), { childList: true, subtree: true });
});
