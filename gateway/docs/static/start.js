window.addEventListener("load", () => {
  const chinese = document.documentElement.lang === "zh-CN";
  const place = document.getElementById("docs");
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
    const field = place.querySelector(".dialog-ux .auth-container input");
    if (field && !open) field.focus();
    open = Boolean(field);
  }).observe(place, { childList: true, subtree: true });

  if (chinese) translate(place);
});

// Swagger UI speaks English only. Its own words, where one stands alone; what is an example or an answer stays as it is.
const WORDS = {
  "Authorize": "授权", "Available authorizations": "授权方式", "Value:": "值：", "Name:": "名称：", "In:": "位置：", "Username:": "用户名：",
  "Password:": "密码：", "Logout": "退出", "Close": "关闭", "Authorized": "已授权", "Servers": "服务器", "Parameters": "参数",
  "No parameters": "没有参数", "Name": "名称", "Description": "说明", "Type": "类型", "Request body": "请求体", "required": "必填",
  "Edit Value": "编辑", "Example Value": "示例", "Schema": "结构", "Try it out": "试用", "Cancel": "取消", "Reset": "重置",
  "Execute": "执行", "Clear": "清除", "Responses": "应答", "Code": "状态码", "Media type": "媒体类型", "Headers:": "应答头：",
  "Server response": "服务器应答", "Request URL": "请求 URL", "Details": "详情", "Response body": "应答体",
  "Response headers": "应答头", "Download": "下载", "Schemas": "数据结构",
};

function translate(place) {
  const change = (root) => {
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node = walk.currentNode; node; node = walk.nextNode()) {
      const word = node.nodeType === Node.TEXT_NODE && WORDS[node.data.trim()];
      if (word && !node.parentElement?.closest("pre, code, textarea, .markdown, .renderedMarkdown")) node.data = word;
    }
    for (const field of place.querySelectorAll('input[placeholder="Filter by tag or path"]')) field.placeholder = "按章节或路径筛选";
  };
  new MutationObserver((seen) => {
    for (const one of seen) change(one.target);
  }).observe(place, { childList: true, subtree: true, characterData: true });
  change(place);
}
