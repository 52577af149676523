// The structure editor JSME in a frame of its own, so that its styles and names stay inside.

const PAGE = `<!DOCTYPE html><html lang="en"><head><title>Structure editor</title>
<style>body { margin: 0 }</style></head><body><div id="drawing"></div></body></html>`;
const PAUSE = 400; // ms without a change before the structure is sent
const NARROWEST = 380; // px; below this the tools would be cut off, so the frame scrolls

function startEditor(frame, data, send) {
  const inside = frame.contentWindow;
  inside.jsmeOnLoad = () => {
    const width = Math.max(frame.clientWidth, NARROWEST);
    const editor = new inside.JSApplet.JSME("drawing", `${width}px`, `${data.height - 20}px`, {
      options: "newlook,hydrogens,noreaction,nopaste,polarnitro",
    });
    if (data.smiles) editor.readGenericMolecularInput(data.smiles);
    let timer = 0;
    editor.setCallBack("AfterStructureModified", () => {
      clearTimeout(timer);
      timer = setTimeout(() => send(editor.smiles()), PAUSE);
    });
  };
  const script = inside.document.createElement("script");
  script.src = data.script;
  inside.document.head.append(script);
}

export default function ({ parentElement, data, setStateValue }) {
  const host = parentElement.querySelector(".editor");
  if (host.firstChild) return; // running already; what is drawn stays
  const frame = document.createElement("iframe");
  frame.title = data.title;
  frame.height = data.height;
  frame.srcdoc = PAGE;
  frame.onload = () => startEditor(frame, data, (smiles) => setStateValue("smiles", smiles));
  host.append(frame);
}
