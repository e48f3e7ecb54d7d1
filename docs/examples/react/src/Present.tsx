import { useCallback, useEffect, useState } from "react";
import type { components } from "./schema";
import { type RollcallEvent, follow } from "./events";
import { Failure } from "./Failure";
import { type Session, apiError } from "./session";

type Person = components["schemas"]["PresentPerson"];

/** Who is in the house: the state once, then every check-in and check-out as it happens. */
export function Present({ session, socketUrl }: { session: Session; socketUrl: string }) {
  const [people, setPeople] = useState<Person[] | null>(null);
  const [failure, setFailure] = useState<Error | null>(null);
  const [state, setState] = useState("connecting");
  const [last, setLast] = useState<RollcallEvent | null>(null);

  const load = useCallback(async () => {
    try {
      const { data, error, response } = await session.api.GET("/api/v1/attendance/present", {
        params: { query: { pageSize: 200 } },
      });
      if (!data) throw apiError(response, error);
      setPeople(data.data);
      setFailure(null);
    } catch (error) {
      setFailure(error as Error);
    }
  }, [session]);

  useEffect(
    () =>
      follow(session, socketUrl, "attendance", {
        onResync: () => void load(),
        onState: (now) => (now === "ended" ? session.end() : setState(now)),
        onEvent: (event) => {
          setLast(event);
          void load(); // small list: asked again; a large one would apply event.data
        },
      }),
    [session, socketUrl, load],
  );

  return (
    <section aria-label="Present now">
      <p role="status">{state === "connected" ? `${people?.length ?? "…"} present` : `Connection: ${state}`}</p>
      {failure && <Failure error={failure} again={load} />}
      <ul>
        {people?.map((one) => (
          <li key={one.person.id}>{one.person.fullName}</li>
        ))}
      </ul>
      {last && <p>Last event: {last.type}</p>}
    </section>
  );
}
