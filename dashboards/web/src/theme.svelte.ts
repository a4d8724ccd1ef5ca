// The theme: public/theme.js set it before the first paint, this changes it.

export type ThemeName = "light" | "dark";

const STORED = "streamgauge.theme";

class Theme {
  name: ThemeName = $state(document.documentElement.dataset["theme"] === "dark" ? "dark" : "light");

  constructor() {
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (e) => {
      if (!this.#stored()) this.#show(e.matches ? "dark" : "light");
    });
  }

  toggle(): void {
    this.#show(this.name === "dark" ? "light" : "dark");
    try {
      localStorage.setItem(STORED, this.name);
    } catch {
      // No storage: the choice lasts as long as the page.
    }
  }

  #show(name: ThemeName): void {
    document.documentElement.dataset["theme"] = name;
    this.name = name;
  }

  #stored(): boolean {
    try {
      return localStorage.getItem(STORED) !== null;
    } catch {
      return false;
    }
  }
}

export const theme = new Theme();
