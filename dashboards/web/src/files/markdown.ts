// Notes as HTML. HTML in them stays text, links lead nowhere but to http(s) and mail, and no picture is loaded: no request
// leaves the server. What stands in the result is made by this renderer alone.

import MarkdownIt from "markdown-it";

const markdown = new MarkdownIt({ html: false, linkify: false });

markdown.disable("image");
markdown.validateLink = (url) => /^(?:https?:|mailto:|#)/i.test(url.trim());
markdown.renderer.rules["link_open"] = (tokens, i, options, _env, self) => {
  tokens[i]?.attrSet("rel", "noopener noreferrer");
  if (!String(tokens[i]?.attrGet("href")).startsWith("#")) tokens[i]?.attrSet("target", "_blank");
  return self.renderToken(tokens, i, options);
};
// The policy of the page allows no styles in attributes: how a column stands is a class.
for (const rule of ["th_open", "td_open"]) {
  markdown.renderer.rules[rule] = (tokens, i, options, _env, self) => {
    const right = /right/.test(String(tokens[i]?.attrGet("style") ?? ""));
    const token = tokens[i];
    if (token) token.attrs = right ? [["class", "right"]] : null;
    return self.renderToken(tokens, i, options);
  };
}

/** Safe HTML of a text in Markdown. */
export function toHTML(text: string): string {
  return markdown.render(text);
}
