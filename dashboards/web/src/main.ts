import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/jetbrains-mono/wght.css";
import "uplot/dist/uPlot.min.css";
import "./css/tokens.css";
import "./css/base.css";

import { mount } from "svelte";

import App from "./App.svelte";
import { copyExact } from "./exactcopy";

const target = document.getElementById("app");
if (!target) throw new Error("index.html has no #app");

document.addEventListener("copy", copyExact);

export default mount(App, { target });
