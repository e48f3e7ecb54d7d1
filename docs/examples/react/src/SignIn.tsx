import { type FormEvent, useState } from "react";
import { ApiError, type Session } from "./session";

export function SignIn({ session }: { session: Session }) {
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const code = error instanceof ApiError ? error.code : null;
  const asksCode = code === "otp_required" || code === "otp_wrong";

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "");
    setBusy(true);
    try {
      await session.signIn(text("username"), text("password"), text("otp") || undefined);
    } catch (refused) {
      setError(refused as Error);
    } finally {
      setBusy(false);
    }
  }

  return (
    <form onSubmit={submit}>
      <label>
        Email <input name="username" type="email" autoComplete="username" required />
      </label>
      <label>
        Password <input name="password" type="password" autoComplete="current-password" required />
      </label>
      {asksCode && (
        <label>
          Code <input name="otp" autoComplete="one-time-code" required autoFocus />
        </label>
      )}
      {error && code !== "otp_required" && <p role="alert">{error.message}</p>}
      <button disabled={busy}>Sign in</button>
    </form>
  );
}
