# ruff: noqa: E501 - data
"""Pode's names: every public function of Pode, and which mean nothing here. Data only.

`python -m tools.pode_names` writes this file.
"""

from __future__ import annotations

from typing import Final

#: A verb and its nouns, without Pode's own before them.
NAMES: Final = """\
Add Access AccessCustom AccessMiddleware AccessRule Auth AuthIIS AuthMiddleware AuthSession AuthUserFile AuthWindowsAd AuthWindowsLocal BodyParser CacheStorage Endpoint Endware Favicon FileWatcher FlashMessage Handler Header HeaderBulk LimitAccessRule LimitRateRule LimitRule LogType LogW3CCustomField LogW3CField McpGroup McpTool McpToolProperty Middleware OACallBack OAComponentCallBack OAComponentExample OAComponentHeader OAComponentParameter OAComponentPathItem OAComponentRequestBody OAComponentResponse OAComponentResponseLink OAComponentSchema OAExternalDoc OAExternalRoute OAInfo OAResponse OAServerEndpoint OATag OAWebhook Page Route RouteGroup Schedule ScopedVariable SecurityContentSecurityPolicy SecurityHeader SecurityPermissionsPolicy SignalRoute SignalRouteGroup StaticRoute StaticRouteGroup Task Timer Verb ViewFolder
Clear Access Auth Cache Event FileWatchers FlashMessages Handlers Lockables LogMethods LogTypes McpGroup Middleware Mutexes Routes Schedules ScopedVariables Semaphores SignalRoutes StaticRoutes Tasks Timers Verbs
Close Disposable Server SignalConnection SseConnection Task TcpClient
Connect WebSocket
Convert LogItemToString ScopedVariable ScopedVariables
ConvertFrom Jwt OIDCDiscovery Xml
ConvertTo Jwt OAParameter Route SignalConnection SseConnection String Syslog
Disable LogErrorType LogRequestType Server SignalSigning SseSigning
Disconnect WebSocket
Dismount Secret
Edit Schedule Task Timer
Enable CsrfMiddleware LogErrorType LogRequestType OAViewer OpenApi Server SessionMiddleware SignalSigning SseSigning
Enter Lockable Mutex Semaphore
Exit Lockable Mutex Semaphore
Export Function Module SecretVault Snapin
Get Access AppName Auth AuthEvent AuthUser Cache CacheDefaultStorage CacheDefaultTtl CacheStorage Config ConfigPath Cookie CookieSecret CookieValue CsrfMiddleware CurrentRunspaceName DefaultFolder Endpoint EnvironmentVariable Event Favicon FileWatcher FlashMessage FlashMessageNames Header IISApplicationPath LimitAccessRule LimitRateRule Lockable LogDefaultFormat LogDefaultSerialiseFormat LogDefaultSyslogFormat LogOverride McpGroup McpTool Mutex OADefinition Route Schedule ScheduleNextTrigger ScheduleProcess ScopedVariable Secret SecretVault Semaphore ServerActiveRequestMetric ServerActiveSignalClientMetric ServerActiveSignalMetric ServerActiveSseClientMetric ServerActiveSseMetric ServerDefaultSecret ServerName ServerPath ServerRequestMetric ServerRestartCount ServerSignalMetric ServerState ServerUptime SessionDuration SessionExpiry SessionId SessionInfo SessionTabId SignalBroadcastLevel SignalClientIdList SignalDefaultScope SignalEvent SignalGroupList SignalNameList SignalRoute SseBroadcastLevel SseClientIdList SseDefaultScope SseEvent SseGroupList SseNameList State StateNames StaticRoute Task TaskProcess Timer Timestamp Verb Version
Hide SecurityServer
Import Module Snapin
Initialize Csrf
Invoke GC Schedule ScriptBlock Task Timer
Lock Object
Merge Access Auth JsonSchema OAProperty ScriptblockArguments
Mount Secret
Move ResponseUrl
New AccessScheme AuthAzureADScheme AuthKeyTab AuthScheme AuthTwitterScheme Cron CsrfToken JsonSchemaArray JsonSchemaBoolean JsonSchemaInteger JsonSchemaNull JsonSchemaNumber JsonSchemaObject JsonSchemaProperty JsonSchemaString LimitEndpointComponent LimitHeaderComponent LimitIPComponent LimitMethodComponent LimitRouteComponent Lockable LogApiMethod LogApiOverride LogAwsMethod LogAwsOverride LogAzureMethod LogAzureOverride LogBatchInfo LogCustomMethod LogCustomOverride LogDatadogMethod LogDatadogOverride LogEventViewerMethod LogEventViewerOverride LogFileMethod LogFileOverride LogNetworkMethod LogNetworkOverride LogSplunkMethod LogSplunkOverride LogSyslogInfo LogTerminalMethod LogTerminalOverride LogW3CInfo LoggingMethod McpAudioContent McpImageContent McpTextContent Middleware Mutex OABoolProperty OAComponentSchemaProperty OAContentMediaType OAEncodingObject OAExample OAExternalDoc OAIntProperty OAMultiTypeProperty OANumberProperty OAObjectProperty OARequestBody OAResponse OAResponseLink OAServerEndpoint OAStringProperty Semaphore SignalClientId SseClientId StateBag StateDictionary StateList StateOrderedDictionary StateSet
Out Host Variable
Protect LogItem Value
Read Secret TcpClient
Register AuthEvent Event McpToolToGroup SecretVault SignalEvent SseEvent
Remove Access Auth BodyParser Cache CacheStorage Cookie Favicon FileWatcher FlashMessage Handler LimitAccessRule LimitRateRule Lockable LogMethod LogType McpGroup McpTool Middleware Mutex OAComponent OAResponse Route Schedule ScopedVariable Secret Security SecurityAccessControl SecurityContentSecurityPolicy SecurityContentTypeOptions SecurityCrossOrigin SecurityFrameOptions SecurityHeader SecurityPermissionsPolicy SecurityReferrerPolicy SecurityStrictTransportSecurity Semaphore Session SignalRoute State StaticRoute Task Timer Verb WebSocket
Rename OADefinitionTag
Reset SessionExpiry WebSocket
Resolve McpRequest Value
Restart Server TaskProcess
Restore State
Resume Server
Save RequestFile Session State
Select OADefinition
Send Response Signal SseEvent WebSocket
Set Cache CacheDefaultStorage CacheDefaultTtl Cookie CookieSecret CurrentRunspaceName DefaultFolder EnvironmentVariable Header HeaderBulk LogDefaultFormat LogDefaultSerialiseFormat LogDefaultSyslogFormat OARequest OARouteInfo ResponseAttachment ResponseStatus RouteIfExistsPreference ScheduleConcurrency Secret Security SecurityAccessControl SecurityContentSecurityPolicy SecurityContentTypeOptions SecurityCrossOrigin SecurityFrameOptions SecurityPermissionsPolicy SecurityReferrerPolicy SecurityStrictTransportSecurity SignalBroadcastLevel SignalDefaultScope SseBroadcastLevel SseDefaultScope State TaskConcurrency ViewEngine WebSocketConcurrency
Show Gui SecurityServer
Start Server Sleep StaticServer Stopwatch
Suspend Server
Test Access AccessExists AccessRoute AccessUser Auth AuthEvent AuthExists AuthUser Cache CacheStorage ConfigEnabled Cookie CookieSigned EnvironmentVariable Event Favicon FileWatcher FlashMessage Header HeaderSigned InRunspace IsEmpty IsHeroku IsHosted IsIIS IsMacOS IsPSCore IsUnix IsWindows Jwt LimitAccessRule LimitRateRule Lockable McpGroup McpTool Middleware Mutex OAComponent OADefinition OADefinitionTag OAEnabled OAJsonSchemaCompliance OAVersion RequestFile Route Schedule ScopedVariable Secret SecretVault Semaphore ServerState SessionScopeIsBrowser SessionsEnabled SignalBroadcastLevel SignalClientId SignalClientIdSigned SignalClientIdValid SignalEvent SignalName SignalRoute SseBroadcastLevel SseClientId SseClientIdSigned SseClientIdValid SseEvent SseName State StaticRoute TaskCompleted TaskFailed Timer WebSocket
Unlock SecretVault
Unregister AuthEvent Event McpToolFromGroup SecretVault SignalEvent SseEvent
Update CookieExpiry LimitAccessRule LimitRateRule McpTool Secret
Use Access Auth Endware Events FileWatchers Handlers Logging Middleware Mutex PartialView Routes Schedules ScopedVariables Script Semaphore Stream Tasks Timers Verbs
Wait Debugger Task
Write CsvResponse DirectoryResponse ErrorLog FileResponse Host HtmlResponse JsonResponse Log MarkdownResponse TcpClient TextResponse ViewResponse XmlResponse YamlResponse
"""

#: Those whose name here is not made as others are.
ODD: Final = """\
Enable-PodeOpenApi enable_openapi
Test-PodeIsMacOS test_is_macos
"""

#: What cannot mean anything in Python or on Linux, and why.
NO_MEANING: Final = """\
add_auth_iis IIS is a server of Windows
add_auth_windows_local local users and groups of Windows
add_scoped_variable Pode rewrites script blocks so that they see variables; Python's functions close over them
clear_scoped_variables Pode rewrites script blocks so that they see variables; Python's functions close over them
convert_scoped_variable Pode rewrites script blocks so that they see variables; Python's functions close over them
convert_scoped_variables Pode rewrites script blocks so that they see variables; Python's functions close over them
export_function Pode's runspaces share nothing unless told; Python's threads share every module
export_module Pode's runspaces share nothing unless told; Python's threads share every module
export_secret_vault Pode's runspaces share nothing unless told; Python's threads share every module
export_snapin snap-ins are of Windows PowerShell
get_iis_application_path IIS is a server of Windows
get_scoped_variable Pode rewrites script blocks so that they see variables; Python's functions close over them
import_module Pode's runspaces share nothing unless told; Python's threads share every module: write import
import_snapin snap-ins are of Windows PowerShell
invoke_script_block a Python function is called with parentheses
merge_scriptblock_arguments Pode rewrites script blocks so that they see variables; Python's functions close over them
new_log_event_viewer_method the Event Viewer is a program of Windows
new_log_event_viewer_override the Event Viewer is a program of Windows
out_variable sets a variable in the PowerShell session that started the server
remove_scoped_variable Pode rewrites script blocks so that they see variables; Python's functions close over them
show_gui opens a WPF window, which only Windows has
test_is_iis IIS is a server of Windows
test_is_ps_core asks which edition of PowerShell runs
test_scoped_variable Pode rewrites script blocks so that they see variables; Python's functions close over them
use_scoped_variables Pode rewrites script blocks so that they see variables; Python's functions close over them
wait_debugger waits in PowerShell's runspace debugger; Python has breakpoint()
"""
