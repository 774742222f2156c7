// Light or dark: what the reader's system says, until the button is pressed.
{
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const show = (dark) => { root.dataset.theme = dark ? "dark" : "light"; };
  const follow = (event) => show(event.matches);
  show(system.matches);
  system.addEventListener("change", follow);
  addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme-toggle").addEventListener("click", () => {
      system.removeEventListener("change", follow);
      show(root.dataset.theme !== "dark");
    });
  });
}
