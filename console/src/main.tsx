import "./ui/tokens.css";
import "./ui/base.css";
import { render } from "preact";
import { App } from "./app/app";
import { startLive } from "./live/state";

// Every panel has asked for its topics by now: modules load before this line runs.
startLive();
render(<App />, document.getElementById("console")!);
