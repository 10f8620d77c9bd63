using System.Diagnostics;
using System.Runtime.CompilerServices;
using Xunit.Sdk;

namespace Crm.Testing;

/// <summary>Waits for what becomes true by itself: until it is so, or a deadline; never for a fixed time.</summary>
public static class Eventually
{
    private static readonly TimeSpan Usual = TimeSpan.FromSeconds(30);

    /// <summary>Waits until the condition holds.</summary>
    public static async Task IsTrue(
        Func<Task<bool>> condition, CancellationToken ct, TimeSpan? within = null,
        [CallerArgumentExpression(nameof(condition))] string what = "") =>
        await Value(async () => await condition() ? "yes" : null, ct, within, what);

    /// <summary>Waits until the condition holds.</summary>
    public static Task IsTrue(
        Func<bool> condition, CancellationToken ct, TimeSpan? within = null,
        [CallerArgumentExpression(nameof(condition))] string what = "") => IsTrue(() => Task.FromResult(condition()), ct, within, what);

    /// <summary>Waits until there is a value, and answers it.</summary>
    public static async Task<T> Value<T>(
        Func<Task<T?>> read, CancellationToken ct, TimeSpan? within = null,
        [CallerArgumentExpression(nameof(read))] string what = "") where T : class
    {
        var limit = within ?? Usual;
        var clock = Stopwatch.StartNew();
        var pause = TimeSpan.FromMilliseconds(2);
        while (true)
        {
            if (await read() is { } value)
            {
                return value;
            }

            if (clock.Elapsed > limit)
            {
                throw new XunitException($"Not within {limit.TotalSeconds:0.#} s: {what}");
            }

            await Task.Delay(pause, ct);
            pause = TimeSpan.FromMilliseconds(Math.Min(pause.TotalMilliseconds * 1.5, 50));
        }
    }
}
