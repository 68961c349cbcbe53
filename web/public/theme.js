/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Before the first paint: the theme that was chosen here. */
try {
    var theme = localStorage.getItem("pf-theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
    /* no storage: the system's theme */
}
