/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Before the first paint, and whenever it changes: the theme that was chosen here, else the
 * system's. */
(() => {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const apply = () => {
        let theme = null;
        try {
            theme = localStorage.getItem("pf-theme");
        } catch {
            /* no storage: the system's theme */
        }
        if (theme !== "light" && theme !== "dark") theme = dark.matches ? "dark" : "light";
        document.documentElement.dataset.theme = theme;
    };
    apply();
    dark.addEventListener("change", apply);
    addEventListener("pf-theme", apply);
})();
