-- Every scheduled departure with its airline, destination, aircraft and weather.
select
    f.*,
    coalesce(a.name, f.carrier) as airline,
    coalesce(d.name, f.dest) as destination,
    d.lat as dest_lat,
    d.lon as dest_lon,
    p.manufacturer,
    p.seats,
    coalesce(w.sky, 'unknown') as sky,
    coalesce(w.wind, 'unknown') as wind
from {{ ref('stg_flights') }} as f
left join {{ ref('airlines') }} as a on a.carrier = f.carrier
left join {{ ref('airports') }} as d on d.faa = f.dest
left join {{ ref('planes') }} as p on p.tailnum = f.tailnum
left join {{ ref('stg_weather') }} as w on w.origin = f.origin and w.observed_at = f.scheduled_hour
