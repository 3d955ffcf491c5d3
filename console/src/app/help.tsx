import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { demo } from "../live/state";
import { shortcutsEnabled, type Shortcut } from "./shortcuts";
import "./help.css";

const open = signal(false);

export function openHelp(): void {
  open.value = true;
}

export function Help(props: { groups: { title: string; shortcuts: readonly Shortcut[] }[] }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open.value) dialog.current?.showModal();
  }, [open.value]);
  const close = () => dialog.current?.close();
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={() => (open.value = false)}
      onClick={(event) => event.target === dialog.current && close()}>
      <div class="help-body">
        <div class="help-head">
          <h2 id="help-title">What this page is</h2>
          <button type="button" class="icon" aria-label="Close" onClick={close}>×</button>
        </div>
        <p>
          Behind this page run a backend, links that can be made bad, and native clients.
          Everything you see is what they report; the page simulates nothing, and in the chat it is a client itself.
          Make a link fail and watch the data keep moving.
        </p>
        {props.groups.filter((group) => group.shortcuts.length > 0).map((group) => (
          <section key={group.title} aria-label={`Shortcuts: ${group.title}`}>
            <h3>{group.title}</h3>
            <dl class="keys">
              {group.shortcuts.map((shortcut) => (
                <div key={shortcut.key}>
                  <dt><kbd>{shortcut.key}</kbd></dt>
                  <dd>{shortcut.label}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <label class="check">
          <input type="checkbox" checked={shortcutsEnabled.value}
            onChange={(event) => (shortcutsEnabled.value = event.currentTarget.checked)} />
          Single-key shortcuts
        </label>
        {demo.value && <p class="fine">Tidewire {demo.value.version}, demo {demo.value.instance}</p>}
      </div>
    </dialog>
  );
}
