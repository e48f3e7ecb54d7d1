import { StrictMode, useCallback, useEffect, useState, useSyncExternalStore } from "react";
import { createRoot } from "react-dom/client";
import { Failure } from "./Failure";
import { Present } from "./Present";
import { Session } from "./session";
import { SignIn } from "./SignIn";

const SERVER = "http://127.0.0.1:8000";
const SOCKET = SERVER.replace(/^http/, "ws") + "/ws";
const session = new Session(SERVER);

function App() {
  const user = useSyncExternalStore(session.subscribe, () => session.user);
  const [failure, setFailure] = useState<Error | null>(null);

  const resume = useCallback(() => {
    session.resume().then(() => setFailure(null), setFailure);
  }, []);
  useEffect(resume, [resume]);

  if (!user) return failure ? <Failure error={failure} again={resume} /> : <SignIn session={session} />;
  return (
    <>
      <p>
        {user.fullName} ({user.role}) <button onClick={() => void session.signOut()}>Sign out</button>
      </p>
      <Present key={user.id} session={session} socketUrl={SOCKET} />
    </>
  );
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
