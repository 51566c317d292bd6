import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import "./main.css";

// The bucket's address on the API, which is another origin than the website's.
const API = import.meta.env.VITE_BUCKET;

function useText(url, options) {
  const [text, setText] = useState("loading");
  useEffect(() => {
    fetch(url, options)
      .then(async (answer) => setText(`${answer.status} ${await answer.text()}`))
      .catch((error) => setText(`failed: ${error.message}`));
  }, []);
  return text;
}

function Page() {
  const same = useText("/data/하늘.txt");
  const cross = useText(`${API}/data/하늘.txt`, { headers: { "x-amz-meta-why": "preflight" } });
  const forbidden = useText(`${API}/data/하늘.txt`, { method: "DELETE" });
  return (
    <main>
      <h1>Rendered by React at {window.location.pathname}</h1>
      <p id="same">{same}</p>
      <p id="cross">{cross}</p>
      <p id="forbidden">{forbidden}</p>
    </main>
  );
}

createRoot(document.getElementById("root")).render(<Page />);
