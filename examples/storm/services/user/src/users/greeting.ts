/** What `GET /users/greeting` answers. Change it while `stormctl dev` runs, and ask again. */
export const greeting = 'Hello from the storm';
