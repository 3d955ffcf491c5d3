import { render } from "preact";

render(<h1>Tidewire</h1>, document.getElementById("console")!);
