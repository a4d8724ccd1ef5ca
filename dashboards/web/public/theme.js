// Sets the theme before anything is painted: the one that was chosen last, else the system's.
{
  let theme = null;
  try {
    theme = localStorage.getItem("streamgauge.theme");
  } catch {
    // No storage (a private window): the system's theme stands.
  }
  if (theme !== "light" && theme !== "dark") {
    theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  document.documentElement.dataset.theme = theme;
}
