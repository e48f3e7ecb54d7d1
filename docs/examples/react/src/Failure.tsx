export function Failure({ error, again }: { error: Error; again: () => void }) {
  return (
    <p role="alert">
      {error.message} <button onClick={again}>Try again</button>
    </p>
  );
}
